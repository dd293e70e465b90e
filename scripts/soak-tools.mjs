/** What the soaks share: the harness as JavaScript, what was measured with, and how figures are written. */
import { transformFile } from '@swc/core';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'prettier';

/**
 * The drill and the harness are TypeScript: a copy as JavaScript, below the checkout for its `node_modules`, until this
 * process ends.
 *
 * @returns imports a module of test/balancer/support
 */
export async function compileHarness() {
  mkdirSync('.cache', { recursive: true });
  const folder = mkdtempSync('.cache/soak-');
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const from of ['src', 'packages/tools/src', 'test/support', 'test/balancer/support']) {
    const files = readdirSync(from, { recursive: true }).filter((file) => file.endsWith('.ts'));
    for (const file of files) {
      const to = join(folder, from, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, (await transformFile(join(from, file))).code);
    }
  }
  return (name) => import(pathToFileURL(join(folder, `test/balancer/support/${name}.js`)).href);
}

export function versionOf(program, pattern, env) {
  const { stdout, stderr } = spawnSync(program, ['-v'], { encoding: 'utf8', env });
  return pattern.exec(stdout + stderr)[1];
}

/** `<name>.json` has everything, `<name>.md` what there is to say about it. */
export async function writeFigures(folder, name, results, markdown) {
  mkdirSync(folder, { recursive: true });
  const prettily = { singleQuote: true, trailingComma: 'all', printWidth: 120 };
  writeFileSync(join(folder, `${name}.json`), await format(JSON.stringify(results), { ...prettily, parser: 'json' }));
  writeFileSync(join(folder, `${name}.md`), await format(markdown, { ...prettily, parser: 'markdown' }));
}

/** What was counted twice, as one. */
export function addCounts(one, other) {
  const sum = { ...one };
  for (const [name, times] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + times;
  return sum;
}

export function row(...cells) {
  return `| ${cells.join(' | ')} |`;
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export function count(number) {
  return number.toLocaleString('en-US');
}

export function seconds(ms) {
  return `${(ms / 1_000).toFixed(2)} s`;
}
