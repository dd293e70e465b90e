import { jest } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { type Readable, type Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { endWithThisProcess } from '../../../packages/tools/src/drill/children.js';
import { type GracefulShutdownOptions, type ShutdownReport } from '../../../src/index.js';

// Jest takes no `testTimeout` from one of several projects.
jest.setTimeout(60_000);

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Elsewhere they find another Nest beside them. */
const apps = process.env.DRAIN_APPS ?? `${root}test/process/apps`;

/** What the applications in `apps` read from their first argument; see there. */
export interface Settings {
  readonly framework?: 'express' | 'fastify';
  /** What `forRoot()` is given; `false` leaves the module out, for controls. */
  readonly drain?: number | GracefulShutdownOptions | false;
  /** What `enableShutdownHooks()` is given as its options; `false` leaves it out. */
  readonly hooks?: { readonly useProcessExit?: boolean } | false;
  readonly [name: string]: unknown;
}

export interface ChildSetup extends Settings {
  readonly env?: NodeJS.ProcessEnv;
  /** PID 1 of a namespace of its own, or the child of a shell that is. */
  readonly as?: 'pid-1' | 'child-of-a-shell';
}

/** What an application tells: `event`, and what belongs to it. */
export interface Told {
  readonly event: string;
  readonly name?: string;
  readonly [name: string]: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** How a process ended: its exit code, or the signal it died of. */
export type End = number | NodeJS.Signals;

interface Waiting {
  readonly test: (told: Told) => boolean;
  readonly resolve: (told: Told) => void;
  readonly reject: (error: Error) => void;
}

const living = new Set<Child>();

/** Ends what a test has left running. */
export async function endAll(): Promise<void> {
  await Promise.all([...living].map((child) => child.kill()));
}

/** Builds the packages, when one is older than its source. */
export async function build(): Promise<void> {
  const script = pathToFileURL(`${root}scripts/setup-sample.mjs`).href;
  const { buildPackages } = (await import(script)) as { buildPackages(): void };
  buildPackages();
}

/**
 * An application of `apps`, in a process of its own, on the built package. `DRAIN_NODE` names another Node to run it,
 * `DRAIN_APPS` another folder where they are.
 */
export class Child {
  /** All that it has told, in order. */
  readonly told: Told[] = [];
  /** How it ended, and how long after the last signal it was sent, ms. */
  readonly ended: Promise<{ readonly end: End; readonly ms: number }>;
  private waiting: Waiting[] = [];
  private printed = '';
  private signalledAt = 0;

  private constructor(private readonly process: ChildProcess) {
    living.add(this);
    endWithThisProcess(process);
    for (const stream of [process.stdout, process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.printed += text));
    // It may end with words on their way to it.
    for (const pipe of process.stdio.slice(3)) pipe?.on('error', () => undefined);
    createInterface({ input: process.stdio[3] as Readable }).on('line', (line) => this.hear(JSON.parse(line) as Told));
    this.ended = new Promise((resolve) => {
      // 'close' comes after all it has told and printed; the time is that of its exit.
      let ms = 0;
      process.once('exit', () => (ms = performance.now() - this.signalledAt));
      process.once('close', (code, signal) => {
        living.delete(this);
        for (const { reject } of this.waiting.splice(0)) reject(new Error(`Ended (${code ?? signal}). ${this.story}`));
        resolve({ end: code ?? signal!, ms });
      });
    });
  }

  /** Resolves when the application has told `until`. */
  static async start(app: string, { env, as, ...settings }: ChildSetup = {}, until = 'started'): Promise<Child> {
    const node = process.env.DRAIN_NODE ?? process.execPath;
    const [command, ...args] = [...wrappers[as ?? 'alone'], node, `${apps}/${app}.mjs`, JSON.stringify(settings)];
    const child = new Child(
      spawn(command, args, {
        cwd: root,
        env: { ...process.env, KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      }),
    );
    await child.until(until);
    return child;
  }

  /** What it wrote to stdout and stderr. */
  get output(): string {
    return this.printed;
  }

  /** The port it listens on; of the application of that name. */
  port(name?: string): number {
    const started = this.told.find((each) => each.event === 'started' && each.name === name);
    return (started as unknown as { port: number }).port;
  }

  url(path: string, name?: string): string {
    return `http://127.0.0.1:${this.port(name)}${path}`;
  }

  /** Resolves with the first `event` it has told, or tells, for which `test` holds. Rejects when it ends without. */
  until(event: string, test: (told: Told) => boolean = () => true): Promise<Told> {
    const isIt = (told: Told) => told.event === event && test(told);
    const already = this.told.find(isIt);
    if (already) return Promise.resolve(already);
    return new Promise((resolve, reject) => this.waiting.push({ test: isIt, resolve, reject }));
  }

  async entered(phase: string): Promise<void> {
    await this.until('phase', (told) => told.phase === phase);
  }

  /** Its report; that of the application of that name. */
  async report(name?: string): Promise<ShutdownReport> {
    return (await this.until('report', (told) => told.name === name)).report as ShutdownReport;
  }

  hasTold(event: string): boolean {
    return this.timesTold(event) > 0;
  }

  timesTold(event: string): number {
    return this.told.filter((told) => told.event === event).length;
  }

  say(word: string): void {
    (this.process.stdio[4] as Writable).write(`${word}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.signalledAt = performance.now();
    process.kill(innermost(this.process.pid!), signal);
  }

  /** Whoever read its output is gone. */
  async closeOutput(): Promise<void> {
    const streams = [this.process.stdout!, this.process.stderr!];
    await Promise.all(
      streams.map((stream) => new Promise((resolve) => stream.once('close', resolve) && stream.destroy())),
    );
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  private hear(told: Told): void {
    this.told.push(told);
    this.waiting = this.waiting.filter(({ test, resolve }) => {
      if (!test(told)) return true;
      resolve(told);
      return false;
    });
  }

  private get story(): string {
    return `It had told ${this.told.map(({ event }) => event).join(', ') || 'nothing'}, and printed:\n${this.printed.slice(-4_000)}`;
  }
}

const namespace = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const wrappers = {
  alone: [],
  'pid-1': namespace,
  // A command behind it keeps the shell from replacing itself with node.
  'child-of-a-shell': [...namespace, 'sh', '-c', '"$0" "$@"; exit $?'],
} as const;

/** The process that the wrappers around it end in. */
function innermost(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children && isWrapper(pid) ? innermost(Number(children.split(' ')[0])) : pid;
}

function isWrapper(pid: number): boolean {
  return ['unshare', 'sh', 'dash'].includes(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}
