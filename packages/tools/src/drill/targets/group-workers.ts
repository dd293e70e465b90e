import { type Line, nothingObserved } from '../observations.js';
import { type ReplicaLife } from '../record.js';

/** Its signal may have been seen a moment after it was sent. */
const nearlyAll = 0.95;

/** A process of the group that has answered requests, or listens. */
interface Worker {
  readonly pid: number;
  readonly life: ReplicaLife;
}

/**
 * The workers of a group, as the observer in each process tells of them. A process that answers nothing is none of
 * them: the primary, the daemon, npm.
 */
export class GroupWorkers {
  private readonly workers = new Map<number, Worker>();

  /**
   * @param lines all that the observers have written so far
   * @param graceMs from the signal to SIGKILL
   */
  constructor(
    private readonly lines: () => readonly Line[],
    private readonly graceMs: number,
  ) {}

  get lives(): readonly ReplicaLife[] {
    return [...this.workers.values()].map(({ life }) => life);
  }

  /** Reads anew what has been told, and looks who is still there. */
  look(): void {
    const byPid = new Map<number, Line[]>();
    for (const line of this.lines()) {
      const own = byPid.get(line.pid);
      if (own) own.push(line);
      else byPid.set(line.pid, [line]);
    }
    for (const [pid, lines] of byPid) {
      const worker = this.workers.get(pid) ?? this.workerOf(pid, lines);
      if (worker) update(worker, lines, this.graceMs);
    }
  }

  private workerOf(pid: number, lines: readonly Line[]): Worker | undefined {
    const first = lines.find(({ event }) => event === 'answered' || event === 'listening');
    const started = lines.find(({ event }) => event === 'started');
    if (!first || started?.startedAt === undefined) return undefined;
    const life: ReplicaLife = {
      name: `worker-${this.workers.size + 1}`,
      pid,
      startedAt: onOwnClock(started.startedAt),
      readyAt: onOwnClock(first.at),
      inRotationAt: onOwnClock(first.at),
      observations: nothingObserved,
    };
    const worker = { pid, life };
    this.workers.set(pid, worker);
    return worker;
  }
}

function update({ pid, life }: Worker, lines: readonly Line[], graceMs: number): void {
  const find = (event: string): Line | undefined => lines.find((line) => line.event === event);
  const phases = lines
    .filter(({ event }) => event === 'phase')
    .map(({ phase = '', at }) => ({ phase, at: onOwnClock(at) }));
  const seen = lines.filter(({ event }) => event === 'signal');
  life.observations = {
    ...nothingObserved,
    phases,
    report: find('report')?.report,
    signalsSeen: seen.map(({ signal = '' }) => signal),
  };
  life.answeredInside = lines.findLast(({ event }) => event === 'answered')?.answered ?? 0;
  if (life.exitedAt !== undefined) return;
  const told = seen[0] ? onOwnClock(seen[0].at) : phases[0]?.at;
  if (told !== undefined) life.stoppingAt = life.signalledAt = told;
  const exit = find('exit');
  if (!exit && isAlive(pid)) return;
  life.exitedAt = exit ? onOwnClock(exit.at) : performance.now();
  // One that was given no signal, as by `worker.disconnect()`, has stopped all the same.
  life.stoppingAt = life.signalledAt ??= life.exitedAt;
  const ms = life.exitedAt - life.signalledAt;
  // A process that is killed cannot say so: it is gone without a word when its grace is over.
  const killed = !exit && !phases.some(({ phase }) => phase === 'closed') && ms >= graceMs * nearlyAll;
  life.exit = { exitCode: exit?.code ?? null, signal: killed ? 'SIGKILL' : null, ms, killed };
}

function onOwnClock(at: number): number {
  return at - performance.timeOrigin;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
