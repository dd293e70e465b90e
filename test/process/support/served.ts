import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ListenHandle } from '../../../src/serve/insides.js';
import { endWithThisProcess } from '../../../packages/tools/src/drill/children.js';
import { freePort } from '../../../packages/tools/src/drill/free-port.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const bin = 'bin/nestjs-drain.mjs';
const command = join(root, bin);
const node = process.env.DRAIN_NODE ?? process.execPath;

export interface ServedSetup {
  readonly workers?: number;
  /** More options of `serve`. */
  readonly options?: readonly string[];
  /** What the application reads from DRAIN_SETTINGS. */
  readonly settings?: Record<string, unknown>;
  readonly env?: NodeJS.ProcessEnv;
  /** The first release; see `releases`. */
  readonly release?: string;
  /** A socket that it is given as systemd does. */
  readonly socket?: ListenHandle;
  /** The command is in the first release, and not in this repository. */
  readonly isInRelease?: boolean;
  /** It leads a process group, as what is started in a terminal. */
  readonly isInTerminal?: boolean;
  /** What it tells systemd is written to the file `said`. */
  readonly isUnit?: boolean;
}

/** What a command came to. */
export interface Ordered {
  readonly code: number | null;
  readonly output: string;
}

const application = JSON.stringify(join(root, 'test/process/apps/group-worker.mjs'));
const bare = JSON.stringify(join(root, 'test/process/apps/bare.mjs'));

/** Versions that a link is pointed to. */
const releases: Record<string, string> = {
  good: `await import(${application});\n`,
  // The same, from another folder.
  better: `await import(${application});\n`,
  bare: `await import(${bare});\n`,
  barer: `await import(${bare});\n`,
  crashing: `throw new Error('a crash at the start');\n`,
  unready: `import { createServer } from 'node:http';
createServer((_, response) => response.writeHead(503).end()).listen(JSON.parse(process.env.DRAIN_SETTINGS).port, '127.0.0.1');\n`,
  // It ends on its probation: so long after it has been found to be ready.
  'short-lived': `import { subscribe } from 'node:diagnostics_channel';
subscribe('http.server.response.finish', ({ request }) => {
  if (request.url === '/health/ready') setTimeout(() => process.exit(3), 500);
});
await import(${application});\n`,
  // It asks for a socket of its own, and ends on its probation: some time after the group has looked for such sockets.
  greedy: `import { createServer } from 'node:http';
createServer().listen(process.env.TMPDIR + '/more', () => setTimeout(() => process.exit(3), 6_000));\n`,
};

const running = new Set<Served>();

/** Ends what a test has left running. */
export async function endServed(): Promise<void> {
  await Promise.all([...running].map((served) => served.kill()));
}

/** The group that `nestjs-drain serve` runs, in folders of its own: `current` is a link to one of the releases. */
export class Served {
  output = '';
  readonly ended: Promise<{ end: number | NodeJS.Signals; ms: number }>;
  private signalledAt = 0;

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    running.add(this);
    endWithThisProcess(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const look of this.watchers) look();
      });
    }
    this.ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        running.delete(this);
        for (const look of this.watchers) look();
        resolve({ end: code ?? signal!, ms: performance.now() - this.signalledAt });
      }),
    );
  }

  private readonly watchers = new Set<() => void>();

  /** Resolves when all workers serve. */
  static async start(setup: ServedSetup = {}): Promise<Served> {
    const served = await Served.launch(setup);
    await served.says(/workers serve/);
    return served;
  }

  /** Starts it, and waits for nothing. */
  static async launch(setup: ServedSetup): Promise<Served> {
    const { workers = 4, options = [], settings = {}, env, release = 'good', socket, isUnit = false } = setup;
    const { isInTerminal: detached = false, isInRelease = false } = setup;
    const folder = temporaryFolder();
    const port = (settings.port as number | undefined) ?? (await freePort());
    for (const [name, text] of Object.entries(releases)) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'main.mjs'), text);
    }
    writeFileSync(join(folder, 'ledger'), '');
    pointTo(folder, release);
    const current = join(folder, 'current');
    const own = ['--workers', String(workers), '--control', join(folder, 'control'), '--cwd', current];
    if (isInRelease) {
      for (const each of ['bin', 'dist']) cpSync(join(root, each), join(current, each), { recursive: true });
    }
    const script = isInRelease ? join(current, bin) : command;
    const args = [node, script, 'serve', ...own, ...options, '--', 'node', 'main.mjs'];
    // As systemd does, which knows the process before it runs.
    const activated = ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"', ...args];
    const [program, ...rest] = socket ? activated : args;
    const child = spawn(program!, rest, {
      cwd: folder,
      detached,
      env: {
        ...process.env,
        KUBERNETES_SERVICE_HOST: undefined,
        NO_COLOR: '1',
        // A group that is killed leaves a folder there.
        TMPDIR: folder,
        DRAIN_SETTINGS: JSON.stringify({ port, ledger: join(folder, 'ledger'), ...settings }),
        ...(isUnit ? unit(folder) : {}),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', ...(socket ? [socket as never] : [])],
    });
    return new Served(folder, port, child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get ledger(): string {
    return join(this.folder, 'ledger');
  }

  /** What a deployment does: the link is replaced at once. */
  deploy(release: string): void {
    pointTo(this.folder, release);
  }

  order(...args: readonly string[]): Promise<Ordered> {
    const child = spawn(node, [command, ...args, '--control', join(this.folder, 'control')], { cwd: root });
    endWithThisProcess(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, output: output.trim() })));
  }

  /** The workers that serve, by their places. */
  async serving(): Promise<number[]> {
    const { output } = await this.order('status');
    return [...output.matchAll(/^worker \d+: serving, pid (\d+)/gm)].map(([, pid]) => Number(pid));
  }

  signal(signal: NodeJS.Signals): void {
    this.signalledAt = performance.now();
    this.child.kill(signal);
  }

  /** What a terminal sends to all of a process group. */
  pressCtrlC(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  /** Resolves when it has said so, so many times. Rejects when it ends without. */
  says(what: RegExp, times = 1): Promise<void> {
    const hasSaid = () => this.output.match(new RegExp(what, `${what.flags}g`))?.length ?? 0;
    return new Promise((resolve, reject) => {
      const look = () => {
        if (hasSaid() >= times) resolve();
        else if (!running.has(this)) reject(new Error(`Expected it to say ${what}. It said:\n${this.output}`));
        else return;
        this.watchers.delete(look);
      };
      this.watchers.add(look);
      look();
    });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

function pointTo(folder: string, release: string): void {
  const link = join(folder, 'next');
  symlinkSync(release, link);
  renameSync(link, join(folder, 'current'));
}

/** The environment of a unit of Type=notify, and a systemd-notify that writes down what it is told. */
function unit(folder: string): NodeJS.ProcessEnv {
  const path = join(folder, 'systemd-notify');
  writeFileSync(join(folder, 'said'), '');
  writeFileSync(path, `#!/bin/sh\necho "$*" >> '${folder}/said'\n`);
  chmodSync(path, 0o755);
  return { PATH: `${folder}:${process.env.PATH}`, NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '1000000' };
}

/** Asks until it holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endAt = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > endAt) throw new Error('Expected it to hold by now.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Reports whether a process is there, and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
