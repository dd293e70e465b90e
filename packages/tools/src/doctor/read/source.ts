import { basename } from 'node:path';

/**
 * What a text is.
 *
 * @publicApi
 */
export type SourceKind = 'manifests' | 'dockerfile' | 'package' | 'pm2';

/**
 * One file, or standard input.
 *
 * @publicApi
 */
export interface Source {
  /** As findings name it. */
  readonly name: string;
  /** All of it. */
  readonly text: string;
  /** Left out: told by the name, then by the text. */
  readonly kind?: SourceKind;
}

/** What a source is. Whatever is nothing else is Kubernetes manifests. */
export function kindOf({ name, text, kind }: Source): SourceKind {
  return kind ?? kindByName(basename(name)) ?? kindByText(text);
}

function kindByName(name: string): SourceKind | undefined {
  if (/^(ecosystem|pm2)\b.*\.(c?js|json|ya?ml)$|\.config\.c?js$/.test(name)) return 'pm2';
  if (/\.ya?ml$/.test(name)) return 'manifests';
  if (/^(dockerfile|containerfile)\b|\.(dockerfile|containerfile)$/i.test(name)) return 'dockerfile';
  return name === 'package.json' ? 'package' : undefined;
}

function kindByText(text: string): SourceKind {
  if (/^\s*(- )?["']?(kind|apiVersion)["']?\s*:/m.test(text)) return 'manifests';
  if (/^(\s*(#.*)?\r?\n)*\s*(FROM|ARG)\s+\S/i.test(text)) return 'dockerfile';
  if (/^\s*(module\.)?exports\b.*=/m.test(text)) return 'pm2';
  if (!text.trimStart().startsWith('{')) return 'manifests';
  if (/"(kind|apiVersion)"\s*:/.test(text)) return 'manifests';
  if (/"apps"\s*:/.test(text)) return 'pm2';
  return /"(scripts|dependencies|version)"\s*:/.test(text) ? 'package' : 'manifests';
}
