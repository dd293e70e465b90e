import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThisProcess } from '../../../packages/tools/src/drill/children.js';
import { sleep } from '../../../packages/tools/src/drill/timing.js';

/** Debian keeps them where the path of an ordinary user does not look. */
export const withSystemPaths = { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin` };

/** How much of the output is kept, in characters. */
const keptOutput = 65_536;
const pollMs = 20;

/** A balancer's process and the temporary folder with its configuration. Neither outlives this process. */
export class ServerProcess {
  readonly folder: string;
  private readonly exited: Promise<void>;
  private readonly child: ChildProcess;
  private tail = '';
  private ended?: Promise<void>;

  /** @param prepare writes the configuration into the folder, and returns the arguments */
  constructor(
    readonly name: string,
    prepare: (folder: string) => readonly string[],
    private readonly onLine: (line: string) => void = () => undefined,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `nestjs-drain-${name}-`));
    this.child = spawn(name, prepare(this.folder), { stdio: ['ignore', 'pipe', 'pipe'], env: withSystemPaths });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => resolve()).once('error', () => resolve());
    });
    this.listen(this.child.stdout!);
    this.listen(this.child.stderr!);
    // SIGTERM is its fast end, and takes its workers along.
    endWithThisProcess(this.child, 'SIGTERM');
  }

  /** The end of what it wrote to stdout and stderr. */
  get output(): string {
    return this.tail;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when `isTrue` says so, which it is asked every 20 ms; rejects when the process is gone, or after `ms`. */
  async until(what: string, isTrue: () => Promise<boolean>, ms = 10_000): Promise<void> {
    const deadline = performance.now() + ms;
    while (!(await isTrue())) {
      if (this.hasExited || performance.now() > deadline) {
        throw new Error(`${this.name}: ${what} did not happen. The end of its output:\n${this.tail}`);
      }
      await sleep(pollMs);
    }
  }

  /** Ends the process and removes its folder. The same promise on a second call. */
  end(): Promise<void> {
    return (this.ended ??= this.endNow());
  }

  private get hasExited(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async endNow(): Promise<void> {
    if (!this.hasExited) this.child.kill('SIGTERM');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private listen(stream: NodeJS.ReadableStream): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.tail = (this.tail + text).slice(-keptOutput);
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.onLine(line);
    });
  }
}
