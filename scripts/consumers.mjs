/**
 * Installs the packed package into applications as its users have them, and runs their tests: `node
 * scripts/consumers.mjs [--processes[=part of a file's name]] [name …]`. Each of `test/consumers` has its own
 * package.json, and its own Nest, TypeScript and Jest; what they are made of and what they prove is the same, in
 * `test/consumers/shared`. They are put together in `.cache/consumers`. With `--processes` the process suite, or a part
 * of it, runs too, its applications on that Nest.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm, setupSample } from './setup-sample.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--processes'));
const consumers = named.length > 0 ? named : ['nest11-cjs', 'nest12-esm'];
const processes = process.argv.find((argument) => argument.startsWith('--processes'));
const processFiles = processes?.split('=')[1] ?? '(?!readme|drill)';

try {
  for (const consumer of consumers) test(consumer);
} catch (error) {
  // A child that failed has said why.
  if (typeof error.status !== 'number') console.error(error);
  console.error('A consumer fails.');
  process.exit(1);
}
console.log(`${consumers.join(' and ')}: installed, compiled and tested with the packed package.`);

function test(consumer) {
  const folder = putTogether(consumer);
  setupSample(folder);
  console.log(`> Checking the types of ${consumer}`);
  npm(['run', '--silent', 'types'], folder);
  console.log(`> Testing ${consumer}`);
  npm(['run', '--silent', 'test'], folder);
  if (processes) testProcesses(consumer, folder);
}

function testProcesses(consumer, folder) {
  console.log(`> Running the process suite on ${consumer}`);
  const apps = join(folder, 'apps');
  rmSync(apps, { recursive: true, force: true });
  cpSync(join(root, 'test/process/apps'), apps, { recursive: true });
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  // The README's application has a Nest of its own.
  const args = ['--selectProjects', 'process', '--runInBand', '--testPathPatterns', `test/process/${processFiles}`];
  execFileSync(process.execPath, [...jest, ...args], {
    cwd: root,
    env: { ...process.env, DRAIN_APPS: apps },
    stdio: 'inherit',
  });
}

/** Copies what has changed, so that what is built and installed there already stays valid. */
function putTogether(consumer) {
  const folder = join(root, '.cache/consumers', consumer);
  const own = join(root, 'test/consumers', consumer);
  if (!existsSync(own)) throw new Error(`There is no consumer ${consumer} in test/consumers.`);
  mkdirSync(folder, { recursive: true });
  for (const sources of ['src', 'test']) rmSync(join(folder, sources), { recursive: true, force: true });
  for (const from of [join(root, 'test/consumers/shared'), own]) {
    cpSync(from, folder, { recursive: true, preserveTimestamps: true });
  }
  return folder;
}
