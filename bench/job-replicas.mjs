/** Replicas whose work comes from queues and schedulers, each in a process of its own; see test/process/apps/kit.mjs. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { importTypeScript } from '../scripts/import-typescript.mjs';

const { killGroup } = await importTypeScript('packages/tools/src/drill/children.ts');
const root = fileURLToPath(new URL('..', import.meta.url));

export class Replica {
  told = [];
  output = '';
  #waiting = [];
  #toldToEndAt = 0;
  #process;

  /** Resolves when the application runs. */
  static async start(app, { env, ...settings }) {
    const replica = new Replica(`${root}${app}`, settings, env);
    await replica.until('started');
    return replica;
  }

  constructor(file, settings, env) {
    const child = spawn(process.execPath, [file, JSON.stringify(settings)], {
      cwd: root,
      env: { ...process.env, KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    for (const pipe of child.stdio.slice(3)) pipe.on('error', () => undefined);
    createInterface({ input: child.stdio[3] }).on('line', (line) => this.#hear(JSON.parse(line)));
    this.ended = new Promise((resolve) => {
      let ms = 0;
      child.once('exit', () => (ms = performance.now() - this.#toldToEndAt));
      child.once('close', (code, signal) => {
        for (const { reject } of this.#waiting.splice(0))
          reject(new Error(`Ended (${code ?? signal}):\n${this.output}`));
        resolve({ end: code ?? signal, ms });
      });
    });
  }

  get pid() {
    return this.#process.pid;
  }

  /** Resolves with the first `event` that it has told, or tells, for which `test` holds. */
  until(event, test = () => true) {
    const isIt = (told) => told.event === event && test(told);
    const already = this.told.find(isIt);
    if (already) return Promise.resolve(already);
    return new Promise((resolve, reject) => this.#waiting.push({ isIt, resolve, reject }));
  }

  /** Tells it to end, by a signal or by `app.close()`. */
  stop(by = 'SIGTERM') {
    this.#toldToEndAt = performance.now();
    if (by === 'SIGTERM') this.#process.kill('SIGTERM');
    else this.#process.stdio[4].write('close\n');
  }

  /** Kills it, and the processes of its sandboxed processors, which outlive it. */
  async kill() {
    killGroup(this.#process);
    await this.ended;
  }

  #hear(told) {
    this.told.push(told);
    this.#waiting = this.#waiting.filter(({ isIt, resolve }) => {
      if (!isIt(told)) return true;
      resolve(told);
      return false;
    });
  }
}

/** What the jobs of test/brokers/apps/run-job.mjs have written down. */
export function entriesOf(ledger) {
  const lines = readFileSync(ledger, { encoding: 'utf8', flag: 'a+' }).trim().split('\n').filter(Boolean);
  return lines.map((line) => {
    const [what, n, at, pid] = line.split(' ');
    return { what, n: Number(n), at: Number(at), pid: Number(pid) };
  });
}
