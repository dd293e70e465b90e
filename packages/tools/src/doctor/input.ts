import { readdirSync, readFileSync, statSync } from 'node:fs';
import path, { resolve } from 'node:path';
import { BadInputError } from './bad-input.js';
import { type Unchecked } from './diagnose.js';
import { type Beside } from './formats/format.js';
import { formatOf, formats } from './formats/index.js';
import { type Source } from './read/source.js';

/** What is to be read, and what was left out and why. */
export interface Input {
  readonly sources: readonly Source[];
  readonly skipped: readonly Unchecked[];
}

/** What is looked at when nothing is named. */
export const usualFiles = formats.flatMap(({ usual }) => usual);
export const usualFolders = ['k8s', 'kubernetes', 'deploy', 'manifests'];

/** Folders whose files make sense only once they are rendered, and what renders them. */
const rendered: Readonly<Record<string, (folder: string) => string>> = {
  'kustomization.yaml': (folder) => `kubectl kustomize ${folder}`,
  'kustomization.yml': (folder) => `kubectl kustomize ${folder}`,
  'Chart.yaml': (folder) => `helm template ${folder}`,
};
/** What files of a folder are called that may start something. */
const ofDeployments =
  /\.(ya?ml|json|toml|service)$|^(Dockerfile|Containerfile|Procfile)\b|\.(Dockerfile|Containerfile)$/i;
/** Sources of texts that a tool makes manifests of. */
const templates =
  /\.(tpl|gotmpl|tmpl|j2|jinja2?|mustache|hbs|erb|jsonnet|libsonnet|cue|kcl|tf|hcl|nomad)$|\.ya?ml\.\w+$/i;
/** They tell of packages and editors, and start nothing. */
const ofTools =
  /^(package(-lock)?|tsconfig.*|nest-cli|composer|renovate|\.\w+rc)\.json$|^pnpm-(lock|workspace)\.ya?ml$|^\./;
/** Larger than any manifest that is written by people, bytes. */
const largest = 5_000_000;

/**
 * The files that were named; folders stand for what is in them, and `-` for standard input.
 *
 * @throws BadInputError when one is not there
 */
export async function inputOf(names: readonly string[], cwd: string, stdin: () => Promise<string>): Promise<Input> {
  const sources: Source[] = [];
  const skipped: Unchecked[] = [];
  for (const name of new Set(names)) {
    if (name === '-') {
      sources.push(await standardInput(stdin));
      continue;
    }
    const isFolder = attempt(name, () => statSync(resolve(cwd, name)).isDirectory());
    if (!isFolder) {
      const found = names.length === 1 ? readSource(name, cwd) : readable(name, cwd);
      if (isRead(found)) sources.push(found);
      else skipped.push(found);
      continue;
    }
    const found = filesBelow(name, cwd);
    if (found.sources.length + found.skipped.length === 0) {
      throw new BadInputError(name, 'Expected a folder with files to read, got one without. Name the files.');
    }
    sources.push(...found.sources);
    skipped.push(...found.skipped);
  }
  return { sources: unique(sources), skipped };
}

/** @throws BadInputError when it is empty */
async function standardInput(stdin: () => Promise<string>): Promise<Source> {
  const text = await stdin();
  if (text.trim() !== '') return { name: '(stdin)', text };
  throw new BadInputError(
    '(stdin)',
    'Expected manifests, got nothing. See whether what writes them has failed, or name files.',
  );
}

/**
 * The usual files of a project.
 *
 * @throws BadInputError when there is none of them
 */
export function usualInput(cwd: string): Input {
  const names = usualFiles.filter((name) => isFile(resolve(cwd, name)));
  const files = names.map((name) => (names.length === 1 ? readSource(name, cwd) : readable(name, cwd)));
  const folders = usualFolders.filter((name) => isFolder(resolve(cwd, name))).map((name) => filesBelow(name, cwd));
  const input = {
    sources: [...files.filter(isRead), ...folders.flatMap(({ sources }) => sources)],
    skipped: [...files.flatMap((file) => (isRead(file) ? [] : [file])), ...folders.flatMap(({ skipped }) => skipped)],
  };
  if (input.sources.length + input.skipped.length > 0) return input;
  const usual = [...new Set(formats.flatMap((format) => format.usual.slice(0, 1)))];
  throw new BadInputError(
    'files',
    `Expected one of ${[...usual, ...usualFolders.map((folder) => `${folder}/`)].join(', ')} here, got none of them. ` +
      "Name the files, or give '-' and pipe manifests in.",
  );
}

/** How files beside a source are read: those of the disk, below the folder that all are named from. */
export function besideOf(cwd: string): (source: Source) => Beside {
  return ({ name }) =>
    (wanted) => {
      try {
        const file = resolve(cwd, path.dirname(name), wanted);
        return isFile(file) ? readFileSync(file, 'utf8') : undefined;
      } catch {
        return undefined; // it may not be read: what is in it stays unknown
      }
    };
}

function filesBelow(folder: string, cwd: string): Input {
  const entries = attempt(folder, () => readdirSync(resolve(cwd, folder), { withFileTypes: true }));
  const marker = entries.find(({ name }) => name in rendered)?.name;
  if (marker) {
    const what = `it has to be rendered first: ${rendered[marker]!(folder)} | nestjs-drain doctor -`;
    return { sources: [], skipped: [{ file: path.join(folder, marker), line: 1, what }] };
  }
  const sources: Source[] = [];
  const skipped: Unchecked[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.join(folder, entry.name);
    if (isFolder(resolve(cwd, name))) {
      if (entry.name === 'node_modules' || entry.isSymbolicLink()) continue;
      const below = filesBelow(name, cwd);
      sources.push(...below.sources);
      skipped.push(...below.skipped);
    } else if (templates.test(entry.name)) {
      skipped.push({ file: name, line: 1, what: 'it is a source of manifests, which have to be rendered first' });
    } else if (ofDeployments.test(entry.name) && !ofTools.test(entry.name)) {
      const found = recognised(name, cwd);
      if (isRead(found)) sources.push(found);
      else skipped.push(found);
    }
  }
  return { sources, skipped };
}

/** A file of a folder stops no other: what nothing recognises is told. */
function recognised(name: string, cwd: string): Source | Unchecked {
  const found = readable(name, cwd);
  if (!isRead(found) || formatOf(found)) return found;
  return { file: name, line: 1, what: 'it is of no format that is read here' };
}

function isRead(found: Source | Unchecked): found is Source {
  return 'text' in found;
}

/** One that is there, and cannot be read, is told, and stops no other. */
function readable(name: string, cwd: string): Source | Unchecked {
  attempt(name, () => statSync(resolve(cwd, name)));
  try {
    return readSource(name, cwd);
  } catch (error) {
    if (error instanceof BadInputError) return { file: name, line: 1, what: error.reason.replace(/\.$/, '') };
    throw error;
  }
}

function readSource(name: string, cwd: string): Source {
  const file = resolve(cwd, name);
  const size = attempt(name, () => statSync(file).size);
  if (size > largest)
    throw new BadInputError(name, 'Expected a manifest, got a file of more than 5 MB. Check which it is.');
  const text = attempt(name, () => readFileSync(file, 'utf8'));
  if (text.includes('\0')) throw new BadInputError(name, 'Expected a text, got a binary file. Check which file it is.');
  return { name, text };
}

function unique(sources: readonly Source[]): readonly Source[] {
  return [...new Map(sources.map((source) => [path.normalize(source.name), source])).values()];
}

function attempt<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'there is none',
      EACCES: 'it may not be read',
    };
    throw new BadInputError(name, `Expected a file to read: ${why[code] ?? code}. Check the path.`);
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
