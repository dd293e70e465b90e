/**
 * Packs both packages and asks whether their types resolve for every kind of consumer. The tools are looked at beside
 * the runtime they need.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const attw = ['node_modules/@arethetypeswrong/cli/dist/index.js'];
/**
 * The tools are for Node and for bundlers that know `exports`; only what tests import is for older ones, and for
 * CommonJS.
 */
const packages = [
  { folder: '.', options: [] },
  { folder: 'packages/tools', options: ['--entrypoints', 'testing'] },
  { folder: 'packages/tools', options: ['--entrypoints', '.', 'cli', '--profile', 'esm-only'] },
];
for (const { folder, options } of packages) {
  const destination = mkdtempSync(join(tmpdir(), 'pack-'));
  try {
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', destination], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [tarball] = readdirSync(destination);
    execFileSync(process.execPath, [...attw, join(destination, tarball), ...options], { stdio: 'inherit' });
  } finally {
    rmSync(destination, { recursive: true });
  }
}
