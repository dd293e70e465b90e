/**
 * Runs the process suite with its applications on other versions of Node: `node scripts/node-versions.mjs 22 24 26`.
 * Each comes from npm, once, into `.cache/node`; Jest itself stays on the Node that runs this. The suite waits most of
 * its time, so the versions run side by side.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installNode, root } from './other-versions.mjs';

const majors = process.argv.slice(2);
if (majors.length === 0 || majors.some((major) => !/^\d+$/.test(major))) {
  console.error('Usage: node scripts/node-versions.mjs <major> …');
  process.exit(2);
}
const nodes = majors.map(installNode);
const passed = await Promise.all(
  nodes.map((node, index) => suitePasses(node, join(root, '.cache/node', majors[index]))),
);
process.exit(passed.every(Boolean) ? 0 : 1);

async function suitePasses(node, folder) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const results = join(folder, 'results.json');
  // The README's application and the drill are run by the Node that runs Jest.
  const ownApps = ['--testPathPatterns', 'test/process/(?!readme|drill)'];
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  try {
    await promisify(execFile)(
      process.execPath,
      [...jest, '--selectProjects', 'process', '--runInBand', ...ownApps, '--json', `--outputFile=${results}`],
      { cwd: root, env: { ...process.env, DRAIN_NODE: node }, maxBuffer: 2 ** 28 },
    );
  } catch (error) {
    console.error(error.stderr);
    console.error(`Node ${version}: the process suite fails`);
    return false;
  }
  const { numPassedTests, numPendingTests, startTime, testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const seconds = Math.round((Math.max(...testResults.map(({ endTime }) => endTime)) - startTime) / 1_000);
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  console.log(`Node ${version}: the process suite passes, ${numPassedTests} tests${skipped} in ${seconds} s`);
  return true;
}
