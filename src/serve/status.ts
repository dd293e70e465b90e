import { type Clock } from '../sequence/clock.js';
import { type Supervisor } from './supervisor.js';

/** Where the group and each of its workers stand, for people. */
export function statusText({ phase, runs, workers, counts }: Supervisor, clock: Clock): string {
  const version = runs ? `version ${runs.generation} in ${runs.folder}` : 'no version';
  const { reloads, rolledBack, restarts } = counts;
  const lines = [...workers]
    .sort((a, b) => a.place - b.place || a.startedAt - b.startedAt)
    .map(({ place, pid, phase: each, release, startedAt, rss, pending }) => {
      const seconds = Math.round((clock.now() - startedAt) / 1_000);
      const memory = `${Math.round(rss / 2 ** 20)} MB`;
      return `worker ${place}: ${each}, pid ${pid}, version ${release.generation}, ${seconds} s, ${memory}, ${pending} untaken`;
    });
  const head = `${phase}, ${version}; ${reloads} reloads, ${rolledBack} rolled back, ${restarts} restarts`;
  return [head, ...lines].join('\n');
}
