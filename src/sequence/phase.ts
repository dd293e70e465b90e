/**
 * Where a shutdown stands. It only ever moves forward:
 *
 * - `running`: everything is served, readiness is green
 * - `lame-duck`: readiness fails, everything is still served, clients are told to leave
 * - `draining`: new work is refused, work in flight is finished
 * - `releasing`: in-flight work has ended; ordered hooks release resources, then Nest's own destroy hooks run
 * - `closed`: the report is written
 *
 * @publicApi
 */
export type ShutdownPhase = 'running' | 'lame-duck' | 'draining' | 'releasing' | 'closed';

/** All of them, in the order in which they come. */
export const phases: readonly ShutdownPhase[] = ['running', 'lame-duck', 'draining', 'releasing', 'closed'];

/** Reports whether `phase` has come as far as `milestone`. */
export function hasReached(phase: ShutdownPhase, milestone: ShutdownPhase): boolean {
  return phases.indexOf(phase) >= phases.indexOf(milestone);
}

/**
 * The one transition function.
 *
 * @throws Error when `to` is not ahead of `from`: a shutdown never goes back. Skipping ahead to `closed` is how a
 * forced one ends.
 */
export function advance(from: ShutdownPhase, to: ShutdownPhase): ShutdownPhase {
  const isNext = phases.indexOf(to) === phases.indexOf(from) + 1;
  const isForcedEnd = to === 'closed' && from !== 'running' && from !== 'closed';
  if (!isNext && !isForcedEnd) throw new Error(`A shutdown cannot go from '${from}' to '${to}'.`);
  return to;
}
