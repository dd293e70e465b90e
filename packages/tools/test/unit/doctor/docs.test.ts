import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { formats } from '../../../src/doctor/formats/index.js';
import { rules } from '../../../src/doctor/rules/index.js';

const page = 'docs/doctor.md';

/** What a table of the page says, cell by cell, or has to say. */
const tables = {
  rules: rules.map(({ id, severity, title }) => [`\`${id}\``, severity, title]),
  formats: formats.map(({ title, files }) => [title, files]),
} as const;
const heads = { rules: ['Rule', 'Severity', 'What it finds'], formats: ['Format', 'Files'] } as const;

const between = (name: string) => new RegExp(`(<!-- ${name} -->\n)([^]*?)(<!-- /${name} -->)`);
const rowsOf = (name: string) => {
  const [, , table = ''] = between(name).exec(readFileSync(page, 'utf8')) ?? [];
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('\\', '')),
  );
};
const written = (rows: readonly (readonly string[])[]) => rows.map((row) => `| ${row.join(' | ')} |`).join('\n');

describe('docs/doctor.md', () => {
  // UPDATE_DOCS=1 writes the tables anew; prettier sets their columns.
  it.each(['rules', 'formats'] as const)('lists the %s as they are', (name) => {
    if (process.env.UPDATE_DOCS) {
      const head = heads[name];
      const table = written([head, head.map(() => '---'), ...tables[name]]);
      const text = readFileSync(page, 'utf8').replace(
        between(name),
        (_, open, __, close) => `${open}\n${table}\n\n${close}`,
      );
      writeFileSync(page, text);
    }
    expect(rowsOf(name)).toEqual(tables[name].map((row) => row.map((cell) => cell.replaceAll('\\', ''))));
  });

  it('says what each exit code means', () => {
    const text = readFileSync(page, 'utf8');
    for (const code of [0, 1, 2, 3]) expect(text).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
  });
});
