/**
 * Runs one of the commands of the README, on a fresh clone too: `node scripts/with-install.mjs <demo|test>
 * [arguments]`. Installs the dependencies first when they are missing or older than the lock file. Needs Node and npm
 * alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm, setupSample } from './setup-sample.mjs';

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
  commands[command]();
} catch (error) {
  // A child that failed has said why.
  if (typeof error.status !== 'number') console.error(error);
  process.exit(error.status || 1);
}

function demo() {
  run(process.execPath, ['scripts/demo.mjs', ...args]);
}

/** From the fastest to the slowest, up to the first that fails. Arguments go to Jest, where they may match nothing. */
function test() {
  const passed = args.length > 0 ? ['--', '--passWithNoTests', ...args] : [];
  for (const project of ['unit', 'integration', 'process', 'balancer']) {
    if (existsSync(join('test', project))) npm(['run', `test:${project}`, ...passed]);
  }
  for (const sample of ['sample/kubernetes-app', 'sample/realtime-app']) {
    if (!existsSync(sample)) continue;
    setupSample(sample);
    npm(['test', ...passed], join(root, sample));
  }
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
