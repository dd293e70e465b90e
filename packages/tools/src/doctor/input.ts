import { readdirSync, readFileSync, statSync } from 'node:fs';
import path, { resolve } from 'node:path';
import { BadInputError } from './bad-input.js';
import { type Source } from './read/source.js';

/** What is to be read, and what was left out and why. */
export interface Input {
  readonly sources: readonly Source[];
  readonly notes: readonly string[];
}

/** What is looked at when nothing is named. */
export const usualFiles = [
  'Dockerfile',
  'package.json',
  'ecosystem.config.js',
  'ecosystem.config.cjs',
  'ecosystem.config.json',
];
export const usualFolders = ['k8s', 'deploy', 'manifests'];

/** Folders whose files make sense only once they are rendered, and what renders them. */
const rendered: Readonly<Record<string, (folder: string) => string>> = {
  'kustomization.yaml': (folder) => `kubectl kustomize ${folder}`,
  'kustomization.yml': (folder) => `kubectl kustomize ${folder}`,
  'Chart.yaml': (folder) => `helm template ${folder}`,
};

/**
 * The files that were named; folders stand for the manifests in them, and `-` for standard input.
 *
 * @throws BadInputError when one cannot be read
 */
export async function inputOf(names: readonly string[], cwd: string, stdin: () => Promise<string>): Promise<Input> {
  const sources: Source[] = [];
  const notes: string[] = [];
  for (const name of new Set(names)) {
    if (name === '-') {
      sources.push(await standardInput(stdin));
      continue;
    }
    const isFolder = attempt(name, () => statSync(resolve(cwd, name)).isDirectory());
    const found = isFolder ? manifestsBelow(name, cwd) : { names: [name], notes: [] };
    if (isFolder && found.names.length + found.notes.length === 0) {
      throw new BadInputError(name, 'Expected a folder with manifests, got one without. Name the files.');
    }
    sources.push(...found.names.map((each) => readSource(each, cwd)));
    notes.push(...found.notes);
  }
  return atLeastOne({ sources, notes });
}

/** @throws BadInputError when it is empty */
export async function standardInput(stdin: () => Promise<string>): Promise<Source> {
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
 * @throws BadInputError when there is none of them, or one cannot be read
 */
export function usualInput(cwd: string): Input {
  const files = usualFiles.filter((name) => exists(resolve(cwd, name)));
  const folders = usualFolders.filter((name) => exists(resolve(cwd, name))).map((name) => manifestsBelow(name, cwd));
  const names = [...files, ...folders.flatMap((folder) => folder.names)];
  const notes = folders.flatMap((folder) => folder.notes);
  if (names.length + notes.length === 0) {
    const usual = [...usualFiles.slice(0, 2), 'ecosystem.config.*', ...usualFolders.map((folder) => `${folder}/`)];
    throw new BadInputError(
      'files',
      `Expected ${usual.join(', ')} here, got none of them. Name the files, or pipe manifests in.`,
    );
  }
  return atLeastOne({ sources: names.map((name) => readSource(name, cwd)), notes });
}

/** Nothing must not pass for a clean bill. */
function atLeastOne(input: Input): Input {
  if (input.sources.length > 0) return input;
  throw new BadInputError('files', `Expected a file to read: ${input.notes.join('; ')}.`);
}

function manifestsBelow(folder: string, cwd: string): { names: readonly string[]; notes: readonly string[] } {
  const entries = attempt(folder, () => readdirSync(resolve(cwd, folder), { withFileTypes: true }));
  const marker = entries.find(({ name }) => name in rendered)?.name;
  if (marker) {
    const command = rendered[marker]!(folder);
    return {
      names: [],
      notes: [`${folder} was left out, for it has to be rendered: ${command} | nestjs-drain doctor`],
    };
  }
  const names: string[] = [];
  const notes: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') {
      const below = manifestsBelow(name, cwd);
      names.push(...below.names);
      notes.push(...below.notes);
    } else if (entry.isFile() && isManifest(name, cwd)) {
      names.push(name);
    }
  }
  return { names, notes };
}

/** YAML that speaks of no `kind` is something else's: Helm's values, a compose file. */
function isManifest(name: string, cwd: string): boolean {
  if (!/\.ya?ml$/.test(name)) return false;
  return /^\s*(- )?["']?kind["']?\s*:/m.test(readSource(name, cwd).text);
}

function readSource(name: string, cwd: string): Source {
  const text = attempt(name, () => readFileSync(resolve(cwd, name), 'utf8'));
  if (text.includes('\0')) throw new BadInputError(name, 'Expected a text, got a binary file. Check which file it is.');
  return { name, text };
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

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
