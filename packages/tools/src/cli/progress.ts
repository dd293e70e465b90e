import { type WriteStream } from 'node:tty';
import { type DrillOptions, type DrillStep } from '../drill/drill-options.js';
import { type OpenLoopCounts } from '../drill/open-loop-clients.js';
import { count, duration, plural } from '../drill/words.js';

/** Says what a drill does: a line for each step and, on a terminal, one below them that is kept up to date. */
export class Progress {
  private hasLiveLine = false;

  constructor(private readonly out: Pick<WriteStream, 'write'> & { readonly isTTY?: boolean }) {}

  announce({ command, attach, reload, platform, replicas = 0, ratePerSecond = 0 }: DrillOptions): void {
    if (attach) return this.line(`Asking ${attach.url}, ${ratePerSecond} requests a second`);
    if (reload !== undefined) {
      return this.line(`Starting: ${command.join(' ')}; reloading with: ${reload}; ${ratePerSecond} requests a second`);
    }
    this.line(`Starting ${plural(replicas, 'replica')} of: ${command.join(' ')}`);
    const wait = platform.preStopMs > 0 ? `preStop ${duration(platform.preStopMs)}, ` : '';
    this.line(
      `Rolling as ${platform.name} does: ${wait}${platform.signal}, SIGKILL after ` +
        `${duration(platform.graceMs)}; ${ratePerSecond} requests a second`,
    );
  }

  say(step: DrillStep): void {
    const text = sentenceOf(step);
    if (text) this.line(`${clock(step.atMs)}  ${text.padEnd(46)}  ${countsOf(step.counts)}`.trimEnd());
  }

  tick(atMs: number, counts: OpenLoopCounts): void {
    if (!this.out.isTTY) return;
    this.out.write(`\r\u001b[K${clock(atMs)}  ${countsOf(counts)}, ${count(counts.underWay)} under way`);
    this.hasLiveLine = true;
  }

  end(): void {
    if (this.hasLiveLine) this.out.write('\r\u001b[K');
    this.hasLiveLine = false;
  }

  private line(text: string): void {
    this.end();
    this.out.write(`${text}\n`);
  }
}

function sentenceOf(step: DrillStep): string | undefined {
  switch (step.kind) {
    case 'balancer':
      return `the balancer is ${step.url}`;
    case 'serving':
      return `${step.replica} is ready and serves`;
    case 'stopping':
      return `${step.replica} is about to stop`;
    case 'signalled':
      return `${step.replica} is sent the signal`;
    case 'unready':
      return `${step.replica} is not ready any more`;
    case 'out':
      return `${step.replica} gets no new connections`;
    case 'exited':
      return `${step.replica} ${step.exit.killed ? 'had to be killed' : 'has exited'} after ${duration(step.exit.ms)}`;
    case 'died':
      return `${step.replica} has died, and nobody had stopped it`;
    case 'roll':
      return `roll ${step.round}${step.lagMs === undefined ? '' : ` with a lag of ${duration(step.lagMs)}`}`;
    case 'command-started':
      return `runs: ${step.command}`;
    case 'command-ended':
      return 'the command has ended';
    case 'traffic-started':
      return 'traffic starts';
    case 'traffic-stopped':
      return 'traffic has stopped';
  }
}

function clock(atMs: number): string {
  return `${(Math.max(0, atMs) / 1_000).toFixed(1)} s`.padStart(8);
}

function countsOf({ requests, failed }: OpenLoopCounts): string {
  return requests === 0 ? '' : `${count(requests - failed)} answered, ${count(failed)} failed`;
}
