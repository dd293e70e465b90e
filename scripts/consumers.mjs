/**
 * Installs the packed package into applications as its users have them, and runs their tests: `node scripts/consumers.mjs [name …]`.
 * Each of `test/consumers` has its own package.json, and its own Nest, TypeScript and Jest; what they are made of and what they prove is the same, in
 * `test/consumers/shared`. They are put together in `.cache/consumers`, where nothing of this checkout's stands in for what they lack.
 */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm, setupSample } from './setup-sample.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const consumers = process.argv.length > 2 ? process.argv.slice(2) : ['nest11-cjs', 'nest12-esm'];

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
