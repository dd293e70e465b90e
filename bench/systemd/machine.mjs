import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const init = fileURLToPath(new URL('init.sh', import.meta.url));
const startWithinMs = 20_000;
const namespaces = ['--pid', '--mount', '--uts', '--ipc', '--net', '--cgroup'];

/** Why no systemd can be run here beside what runs already; nothing when one can. */
export function whyNot() {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid() !== 0) return 'it needs root, for namespaces and mounts of its own: run it with sudo';
  for (const program of ['unshare', 'nsenter', 'ip', 'systemctl', 'systemd-notify']) {
    if (spawnSync(program, ['--version']).error) return `it needs ${program}: install systemd, util-linux and iproute2`;
  }
  try {
    accessSync('/lib/systemd/systemd');
  } catch {
    return 'it needs /lib/systemd/systemd: install systemd';
  }
  if (controlGroups() === undefined) return 'it needs control groups of version 2 to be mounted';
  const { status, stderr } = spawnSync('unshare', [...namespaces, '--fork', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `it needs namespaces of its own, as root has them outside of containers: ${stderr}`;
}

/** Where control groups of version 2 are mounted. */
function controlGroups() {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
}

/** A systemd that is PID 1 of namespaces of its own, where nothing of this machine but its files can be seen. */
export class Machine {
  output = '';
  #group = join(controlGroups(), `nestjs-drain-bench-${process.pid}`);
  #child;

  /** Resolves when it has started. */
  static async start() {
    const machine = new Machine();
    try {
      await machine.#start();
      return machine;
    } catch (error) {
      await machine.end();
      throw error;
    }
  }

  async #start() {
    mkdirSync(this.#group);
    const line = 'echo $$ > "$0/cgroup.procs" && exec unshare "$@"';
    const args = [...namespaces, '--fork', '--kill-child', 'sh', init, repository, process.execPath];
    this.#child = spawn('sh', ['-c', line, this.#group, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    const startedAt = performance.now();
    while (!(await this.#isStarted())) {
      if (this.#child.exitCode === null && performance.now() < startedAt + startWithinMs) continue;
      throw new Error(`systemd has not started. It said:\n${this.output}`);
    }
  }

  async #isStarted() {
    await sleep(100);
    const { stdout } = await this.run('systemctl', ['is-active', 'bench.target']).catch((error) => error);
    return stdout?.trim() === 'active';
  }

  /** Runs a program in it, with no other environment than it would have there. */
  run(program, args) {
    return promisify(execFile)('nsenter', this.#enter(program, args), { encoding: 'utf8' });
  }

  /** Resolves with its exit code. What it prints is printed here. */
  async show(program, args) {
    const child = spawn('nsenter', this.#enter(program, args), { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = await once(child, 'exit');
    return code;
  }

  #enter(program, args) {
    const target = readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8').trim();
    const into = ['-t', target, '-m', '-u', '-i', '-n', '-p', '-C'];
    return [...into, 'env', '-i', 'PATH=/srv/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', program, ...args];
  }

  /** Its PID 1 dies, and with it all that it has started. */
  async end() {
    if (this.#child) {
      const ended = once(this.#child, 'exit');
      if (this.#child.exitCode === null && this.#child.signalCode === null) {
        this.#child.kill('SIGKILL');
        await ended;
      }
    }
    removeGroup(this.#group);
  }
}

/** Removes a control group, with those below it, as soon as their last processes have gone. */
function removeGroup(group) {
  for (const { name } of readdirSync(group, { withFileTypes: true }).filter((each) => each.isDirectory())) {
    removeGroup(join(group, name));
  }
  for (let left = 100; left > 0; left--) {
    try {
      return rmdirSync(group);
    } catch (error) {
      if (error.code !== 'EBUSY') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
  // What still runs there is ended by the kernel; it needs Linux 5.14.
  writeFileSync(join(group, 'cgroup.kill'), '1');
}
