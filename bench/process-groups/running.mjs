import { execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const command = file('../../bin/nestjs-drain.mjs');
const primary = file('../../test/process/apps/group-primary.mjs');

/** A child process, what it says, and how it is stopped. */
export class Running {
  output = '';

  /** @param descriptors what it has from the third on */
  constructor([program, ...args], settings, ...descriptors) {
    const env = { KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1', DRAIN_SETTINGS: JSON.stringify(settings) };
    this.child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  /** Resolves when it has said so, so many times. */
  async says(what, times = 1) {
    while (this.output.split(what).length <= times) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`It ended:\n${this.output}`);
      await sleep(10);
    }
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

/** What starts workers behind `nestjs-drain serve`. */
export function serveCommand(node, { workers = 4, balance, control, options = [], script }) {
  const own = ['--workers', String(workers), '--balance', balance, '--control', control];
  return [node, command, 'serve', ...own, ...options, '--', node, script];
}

/** Reloads such a group. Resolves with the time until the new version serves, ms; the old one may still retire. */
export async function reloadServed(node, control) {
  const { stdout } = await promisify(execFile)(node, [command, 'reload', '--control', control]);
  return Number(/after (\d+) ms/.exec(stdout)[1]);
}

/** Workers of a primary process of `node:cluster`, which tells on descriptor 3, and is told on descriptor 4. */
export class Cluster extends Running {
  constructor(node, settings) {
    super([node, primary, JSON.stringify({ workers: 4, ...settings })], settings, 'pipe', 'pipe');
    this.child.stdio[3].setEncoding('utf8').on('data', (text) => (this.output += text));
  }

  async starts() {
    await this.says('"event":"started"');
  }

  async roll(count) {
    this.child.stdio[4].write(`roll ${count}\n`);
    await this.says('"event":"rolled"', count);
  }

  /** Its workers end with it. */
  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
