import { type Clock } from '../sequence/clock.js';
import { type GroupPhase, type Supervisor } from './supervisor.js';
import { type WorkerPhase } from './worker.js';

/** Where a group stands. */
export interface GroupStatus {
  readonly phase: GroupPhase;
  readonly version?: number;
  readonly folder?: string;
  readonly counts: Supervisor['counts'];
  readonly workers: readonly WorkerStatus[];
}

/** Where one of its workers stands. */
export interface WorkerStatus {
  readonly worker: number;
  readonly pid?: number;
  readonly phase: WorkerPhase;
  readonly version: number;
  readonly ageMs: number;
  /** bytes */
  readonly rss: number;
  /** Connections that it was offered, and has not taken yet. */
  readonly untaken: number;
}

export function statusOf({ phase, release, workers, counts }: Supervisor, clock: Clock): GroupStatus {
  const sorted = [...workers].sort((a, b) => a.place - b.place || a.startedAt - b.startedAt);
  return {
    phase,
    version: release?.version,
    folder: release?.folder,
    counts,
    workers: sorted.map((each) => ({
      worker: each.place,
      pid: each.pid,
      phase: each.phase,
      version: each.release.version,
      ageMs: Math.round(clock.now() - each.startedAt),
      rss: each.rss,
      untaken: each.pending,
    })),
  };
}

/** One line for people. */
export function statusLine({ phase, version, folder, counts }: GroupStatus): string {
  const { reloads, rolledBack, restarts, hangs } = counts;
  const counted = `${reloads} reloads, ${rolledBack} rolled back, ${restarts} restarts, ${hangs} hangs`;
  return `${phase}, version ${version} in ${folder}; ${counted}`;
}

/** The same, and a line for each worker. */
export function statusText(status: GroupStatus): string {
  const lines = status.workers.map(
    ({ worker, pid, phase, version, ageMs, rss, untaken }) =>
      `worker ${worker}: ${phase}, pid ${pid}, version ${version}, ${Math.round(ageMs / 1_000)} s, ` +
      `${Math.round(rss / 2 ** 20)} MB, ${untaken} untaken`,
  );
  return [statusLine(status), ...lines].join('\n');
}
