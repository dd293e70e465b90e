import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A fenced block of a Markdown file. */
export interface Block {
  readonly page: string;
  /** Where its first line of code stands. */
  readonly line: number;
  /** What stands behind the fence, such as `ts`. */
  readonly language: string;
  readonly code: string;
}

/** The pages whose examples are compiled: the README, and all of docs. */
export const pages: readonly string[] = ['README.md', ...markdownIn('docs')];

/** Every Markdown file whose links are checked. */
export const documents: readonly string[] = [
  ...pages,
  ...markdownIn('.').filter((file) => file !== 'README.md'),
  ...markdownIn('bench'),
  ...readdirSync('sample').map((sample) => join('sample', sample, 'README.md')),
];

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = readFileSync(page, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const language = /^\s*```(\S*)/.exec(lines[at]!)?.[1];
    if (language === undefined) continue;
    const start = at + 1;
    do at++;
    while (at < lines.length && !/^\s*```\s*$/.test(lines[at]!));
    blocks.push({ page, line: start + 1, language, code: `${lines.slice(start, at).join('\n')}\n` });
  }
  return blocks;
}

/** The text of a page without its fenced blocks. */
export function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^(\s*)```[\s\S]*?^\s*```\s*$/gm, '');
}

/**
 * Writes the TypeScript examples as files, by the names in their first lines (`// src/app.module.ts`): a folder for
 * each page, in which the files of the README stand as well, unless the page has others of the same name.
 *
 * @returns the folders, named after their pages
 */
export function writeExamples(folder: string): string[] {
  rmSync(folder, { recursive: true, force: true });
  const quickStart = blocksOf('README.md').filter(({ language }) => language === 'ts');
  return pages.flatMap((page) => {
    const own = blocksOf(page).filter(({ language }) => language === 'ts');
    if (own.length === 0) return [];
    const name = page === 'README.md' ? 'quick-start' : basename(page, '.md');
    for (const block of [...quickStart, ...own]) {
      const path = join(folder, name, fileNameOf(block));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, block.code);
    }
    return [name];
  });
}

/** @throws Error when the first line of an example names no file */
export function fileNameOf({ page, line, code }: Block): string {
  const name = /^\/\/ (src\/\S+\.ts)$/m.exec(code.split('\n', 1)[0]!)?.[1];
  if (!name) throw new Error(`${page}:${line}: expected a first line such as // src/app.module.ts`);
  return name;
}

function markdownIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => join(folder, file));
}
