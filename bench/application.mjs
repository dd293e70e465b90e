import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const startMs = 30_000;
const answerMs = 60_000;

/** For measurements in which the server must not close a connection by itself. */
export const longKeepAlive = { BENCH_KEEP_ALIVE_MS: '600000' };

/** Servers run on one core and the client on another, where that can be arranged. */
export const isPinned = pinSelf();

function pinSelf() {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-a', '-c', '-p', '1', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** An application that runs in a process of its own. */
export class Application {
  #child;
  #asked = new Map();
  #lastId = 0;

  /**
   * @param setup framework, variant (`routes`, or `routes@<entry>` to try another build of the package; several for a
   * script that runs them side by side), packageEntry, and optionally script, execArgv and env
   */
  static async start({ framework, variant, packageEntry, script = 'server.mjs', execArgv = [], env = {} }) {
    const application = new Application();
    if (script !== 'server.mjs') {
      await application.#start(script, [framework, variant, packageEntry], execArgv, env);
      return application;
    }
    const [name, entry = packageEntry] = variant.split('@');
    await application.#start(script, [framework, name, entry], execArgv, env);
    return application;
  }

  async #start(script, args, execArgv, env) {
    const { KUBERNETES_SERVICE_HOST: _host, NODE_OPTIONS: _options, ...inherited } = process.env;
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
      execArgv,
      env: { ...inherited, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    running.add(child);
    this.exited = once(child, 'exit').then(([code, signal]) => {
      running.delete(child);
      for (const { reject } of this.#asked.values()) reject(new Error(`${args.join(' ')} ended: ${signal ?? code}`));
      return { at: performance.now(), code, signal };
    });
    const [{ port, ports }] = await within(
      startMs,
      Promise.race([once(child, 'message'), this.exited.then(() => Promise.reject(new Error(`${args} ended`)))]),
      `${args.join(' ')} did not start`,
    );
    this.port = port;
    this.ports = ports;
    if (isPinned) execFileSync('taskset', ['-a', '-c', '-p', '0', String(child.pid)], { stdio: 'ignore' });
    child.on('message', ({ id, result, error }) => {
      const { resolve, reject } = this.#asked.get(id);
      this.#asked.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    });
  }

  /** Has the process run one of the commands of server.mjs. */
  ask(command, ...args) {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#child.send({ id, command, args });
    return within(answerMs, answer, `no answer to ${command}`);
  }

  /** Sends the process a signal. Returns when. */
  signal(name) {
    this.#child.kill(name);
    return performance.now();
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

async function within(ms, promise, message) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${message} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
