/**
 * Runs the process suite with its applications on other versions of Node: `node scripts/node-versions.mjs 22 24 26`.
 * Each comes from npm, once, into `.cache/node`; Jest itself stays on the Node that runs this. Ends at the first failure.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './setup-sample.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const majors = process.argv.slice(2);
if (majors.length === 0 || majors.some((major) => !/^\d+$/.test(major))) {
  console.error('Usage: node scripts/node-versions.mjs <major> …');
  process.exit(2);
}
for (const major of majors) runSuiteOn(installNode(major), join(root, '.cache/node', major));

/** The path of its binary. */
function installNode(major) {
  const folder = join(root, '.cache/node', major);
  const name = `node-${process.platform}-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${major}`], folder);
  return node;
}

function runSuiteOn(node, folder) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const results = join(folder, 'results.json');
  // The README's application is run by the Node that runs Jest.
  const ownApps = ['--testPathPatterns', 'test/process/(?!readme)'];
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const { status, output } = spawnSync(
    process.execPath,
    [...jest, '--selectProjects', 'process', '--runInBand', ...ownApps, '--json', `--outputFile=${results}`],
    { cwd: root, env: { ...process.env, DRAIN_NODE: node }, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status !== 0) {
    console.error(output[2]);
    console.error(`Node ${version}: the process suite fails`);
    process.exit(1);
  }
  const { numPassedTests, numPendingTests, startTime, testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const seconds = Math.round((Math.max(...testResults.map(({ endTime }) => endTime)) - startTime) / 1_000);
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  console.log(`Node ${version}: the process suite passes, ${numPassedTests} tests${skipped} in ${seconds} s`);
}
