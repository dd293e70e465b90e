/**
 * Runs one of the commands of the README, on a fresh clone too: `node scripts/with-install.mjs <demo|test>
 * [arguments]`. Installs the dependencies first when they are missing or older than the lock file. Needs Node and npm
 * alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runLanes } from './lanes.mjs';
import { buildPackages, npm } from './setup-sample.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [command, ...args] = process.argv.slice(2);
const commands = { demo, test };

if (!Object.hasOwn(commands, command)) {
  console.error(`Usage: node scripts/with-install.mjs <${Object.keys(commands).join('|')}> [arguments]`);
  process.exit(2);
}

try {
  process.chdir(root);
  installIfNeeded();
  await commands[command]();
} catch (error) {
  // A child that failed has said why.
  if (typeof error.status !== 'number') console.error(error);
  process.exit(error.status || 1);
}

function demo() {
  run(process.execPath, ['scripts/demo.mjs', ...args]);
}

/** Two lanes that take about as long as each other. Arguments go to Jest, where they may match nothing. */
async function test() {
  const passed = args.length > 0 ? ['--', '--passWithNoTests', ...args] : [];
  buildPackages();
  const suite = (name) => ({ name, command: ['npm', 'run', '--silent', `test:${name}`, ...passed] });
  const sample = (name) => ({
    name: `sample/${name}`,
    command: [process.execPath, 'scripts/test-sample.mjs', `sample/${name}`, ...passed],
  });
  const failed = await runLanes([
    [suite('unit'), suite('integration'), suite('brokers'), sample('orders-pipeline'), sample('process-group')],
    [suite('process'), suite('balancer'), sample('kubernetes-app'), sample('realtime-app')],
  ]);
  if (failed.length === 0) return;
  console.error(`Failed: ${failed.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

function installIfNeeded() {
  // npm writes this file last, when everything is in its place.
  const installed = 'node_modules/.package-lock.json';
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs) return;
  console.log('> Installing the dependencies');
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** The child gets Ctrl-C as this process does, and says what becomes of it. */
function run(file, args) {
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) throw Object.assign(new Error(`${args[0]} failed`), { status });
}
