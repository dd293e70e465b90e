import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Script, SourceTextModule } from 'node:vm';
import { parseAllDocuments } from 'yaml';
import { type ResolvedOptions } from '../../../src/options/options.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { blocksOf, documents, fileNameOf, pages, proseOf } from '../../support/documents.js';

const blocks = pages.flatMap(blocksOf);

/** Blocks of these languages are checked below, compiled (`ts`), or no code of ours (`sh`, `text`, `diff`, ...). */
const languages = ['diff', 'dockerfile', 'ini', 'js', 'mjs', 'mermaid', 'sh', 'text', 'ts', 'yaml'];

/** The anchors of a page, made of its headings as GitHub does. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(page).matchAll(/^#{1,6} (.*)$/gm)) {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    anchors.add(text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-'));
  }
  return anchors;
}

/** The links of a page to other files and headings of this repository. */
function linksOf(page: string): { readonly target: string; readonly file: string; readonly anchor: string }[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { target, file: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

/** What stands under a heading of the second level. */
function sectionOf(page: string, heading: string): string {
  const section = readFileSync(page, 'utf8')
    .split(/^## /m)
    .find((each) => each.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${page} has no section ${heading}`);
  return section;
}

function headingsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
}

/** Every source file under a folder. */
function sourcesIn(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
}

describe('README.md', () => {
  it('is read in three minutes: at most 160 lines', () => {
    expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(160);
  });
});

describe('The documents', () => {
  it('link to files and headings that exist', () => {
    const broken = documents.flatMap((page) =>
      linksOf(page)
        .filter(({ file, anchor }) => {
          if (!existsSync(file)) return true;
          return anchor !== '' && statSync(file).isFile() && !anchorsOf(file).has(anchor);
        })
        .map(({ target }) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('stand in the index, each page of docs', () => {
    const linked = linksOf('docs/README.md').map(({ file }) => file);
    const missing = pages.filter(
      (page) => page.startsWith('docs/') && page !== 'docs/README.md' && !linked.includes(page),
    );
    expect(missing).toEqual([]);
  });

  it('have code in languages that are checked, or are no code', () => {
    const others = blocks.filter(({ language }) => !languages.includes(language));
    expect(others.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
  });

  it('name a file in the first line of each TypeScript example, once a page', () => {
    const names = blocks
      .filter(({ language }) => language === 'ts')
      .map((block) => `${block.page} ${fileNameOf(block)}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('have YAML and JavaScript that can be parsed', () => {
    for (const { page, line, language, code } of blocks) {
      if (language === 'mjs') expect(() => new SourceTextModule(code, { identifier: `${page}:${line}` })).not.toThrow();
      if (language === 'js') expect(() => new Script(code, { filename: `${page}:${line}` })).not.toThrow();
      if (language !== 'yaml') continue;
      const problems = parseAllDocuments(code).flatMap(({ errors, warnings }) => [...errors, ...warnings]);
      expect(problems.map(({ message }) => `${page}:${line} ${message}`)).toEqual([]);
    }
  });
});

describe('docs/errors.md', () => {
  it('has a section with cause and remedy for each code there is, and for no other', () => {
    const union = sourcesIn('src').map((source) => /export type DrainErrorCode =([^;]*);/.exec(source)?.[1]);
    const codes = [...union.find(Boolean)!.matchAll(/'(DRAIN_\w+)'/g)].map(([, code]) => code!);
    expect(headingsOf('docs/errors.md').sort()).toEqual(codes.map((code) => `\`${code}\``).sort());
    for (const code of codes) {
      const section = sectionOf('docs/errors.md', `\`${code}\``);
      expect(section).toContain('**Cause:**');
      expect(section).toContain('**Remedy:**');
    }
  });
});

/** The names that `forRoot()` takes, as it lists them itself. */
function optionNames(): string[] {
  try {
    resolveOptions({ unknown: true } as object);
  } catch (error) {
    return /to be one of ([\w, ]+), got/.exec((error as Error).message)![1]!.split(', ');
  }
  throw new Error('An unknown option was accepted.');
}

describe('docs/options.md', () => {
  const options = optionNames().map((name): [string, unknown] => [
    name,
    resolveOptions()[name as keyof ResolvedOptions],
  ]);

  it.each(options)('has the default of %s', (name, value) => {
    const written = /^Default: `(.*)`$/m.exec(sectionOf('docs/options.md', `\`${name}\``))?.[1];
    const documented: unknown = new Script(`(${written})`).runInThisContext();
    if (typeof value === 'object') expect(documented).toMatchObject(JSON.parse(JSON.stringify(value)) as object);
    else expect(documented).toBe(value);
  });

  it('has no option that there is not', () => {
    const documented = headingsOf('docs/options.md').filter((heading) => heading.startsWith('`'));
    expect(documented.sort()).toEqual(options.map(([name]) => `\`${name}\``).sort());
  });
});

/** The tools were under src before they were a package. */
const tools = existsSync('packages/tools/src') ? 'packages/tools/src' : 'src';

describe('docs/doctor.md', () => {
  it('lists every rule', () => {
    const rules = sourcesIn(join(tools, 'doctor/rules')).flatMap((source) => [
      ...source.matchAll(/^ {2}id: '([^']+)'/gm),
    ]);
    expect(rules.length).toBeGreaterThan(20);
    const text = readFileSync('docs/doctor.md', 'utf8');
    expect(rules.map(([, id]) => id!).filter((id) => !text.includes(`| \`${id}\``))).toEqual([]);
  });
});

describe('docs/drill.md', () => {
  it('lists every piece of advice', () => {
    const codes = sourcesIn(join(tools, 'drill/advice')).flatMap((source) => [...source.matchAll(/\bcode: (.*),$/gm)]);
    const names = codes.flatMap(([, code]) => [...code!.matchAll(/'([^']+)'/g)].map(([, name]) => name!));
    expect(names.length).toBeGreaterThan(10);
    const text = readFileSync('docs/drill.md', 'utf8');
    expect(names.filter((name) => !text.includes(`| \`${name}\``))).toEqual([]);
  });
});
