import { duration } from './format.js';
import { type ReplicaTimeline, type Roll } from '../result.js';

/** A replica's life as three strips of bands. Times are ms since the roll began, clipped to what the chart shows. */
export interface Lane {
  readonly name: string;
  /** What the process did: `starting`, `serving`, `pre-stop`, `stopping`, or a phase of nestjs-drain. */
  readonly process: readonly Band[];
  /** What its readiness path said: `ready` or `not-ready`. */
  readonly readiness: readonly Band[];
  /** What the balancer made of it: `in-rotation`, `leaving` (in rotation although not ready) or `out`. */
  readonly rotation: readonly Band[];
  readonly marks: readonly Mark[];
}

export interface Band {
  readonly state: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Mark {
  readonly kind: 'signal' | 'exit' | 'killed';
  readonly atMs: number;
  readonly text: string;
}

/** What the chart of a roll shows, in ms since the roll began. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function spanOf({ startedAtMs, endedAtMs, samples }: Roll): Span {
  let [first, last] = [startedAtMs, endedAtMs];
  for (const dueAtMs of samples.dueAtMs) [first, last] = [Math.min(first, dueAtMs), Math.max(last, dueAtMs)];
  return { fromMs: first - startedAtMs, toMs: Math.max(last, first + 1) - startedAtMs };
}

export function lanesOf(roll: Roll, signal: string): readonly Lane[] {
  const span = spanOf(roll);
  return roll.replicas.map((replica) => laneOf(replica, roll.startedAtMs, span, signal));
}

/** How a replica ended, in two words: `exit 0`, `SIGKILL`. */
export function endOf({ exitCode, exitSignal, wasKilled, exitedAtMs }: ReplicaTimeline): string {
  if (wasKilled) return 'SIGKILL';
  if (exitedAtMs === undefined) return 'still running';
  return exitSignal ? `died of ${exitSignal}` : `exit ${exitCode ?? 'unknown'}`;
}

function laneOf(replica: ReplicaTimeline, origin: number, span: Span, signal: string): Lane {
  const endMs = replica.exitedAtMs ?? Infinity;
  const bands = (changes: readonly Change[], untilMs: number): readonly Band[] =>
    bandsOf(changes, untilMs)
      .map(({ state, fromMs, toMs }) => ({
        state,
        fromMs: Math.round(Math.max(fromMs - origin, span.fromMs)),
        toMs: Math.round(Math.min(toMs - origin, span.toMs)),
      }))
      .filter(({ fromMs, toMs }) => toMs > fromMs);
  return {
    name: replica.name,
    process: bands(processOf(replica), endMs),
    readiness: bands(readinessOf(replica), endMs),
    rotation: bands(rotationOf(replica), Infinity),
    marks: marksOf(replica, signal)
      .map((mark) => ({ ...mark, atMs: Math.round(mark.atMs - origin) }))
      .filter(({ atMs }) => atMs >= span.fromMs && atMs <= span.toMs),
  };
}

/** From this moment on it is in this state; without a moment it never got there. */
type Change = readonly [atMs: number | undefined, state: string];

function processOf({ startedAtMs, readyAtMs, stoppingAtMs, signalledAtMs, phases }: ReplicaTimeline): Change[] {
  const known = phases.filter(({ phase }) => phase !== 'running');
  const preStop = signalledAtMs === undefined || (stoppingAtMs ?? signalledAtMs) < signalledAtMs;
  return [
    [startedAtMs, 'starting'],
    [readyAtMs, 'serving'],
    [preStop ? stoppingAtMs : undefined, 'pre-stop'],
    [signalledAtMs, 'stopping'],
    ...known.map(({ phase, atMs }): Change => [atMs, phase]),
  ];
}

function readinessOf({ startedAtMs, readyAtMs, unreadyAtMs }: ReplicaTimeline): Change[] {
  return [
    [startedAtMs, 'not-ready'],
    [readyAtMs, 'ready'],
    [unreadyAtMs, 'not-ready'],
  ];
}

/** The balancer may send connections to a process that is no more: that band goes on after the exit. */
function rotationOf({ inRotationAtMs, unreadyAtMs, outOfRotationAtMs, exitedAtMs }: ReplicaTimeline): Change[] {
  if (inRotationAtMs === undefined) return [];
  const gone = Math.max(outOfRotationAtMs ?? Infinity, exitedAtMs ?? Infinity);
  const noticed = outOfRotationAtMs === undefined ? unreadyAtMs : Math.min(unreadyAtMs ?? Infinity, outOfRotationAtMs);
  return [
    [inRotationAtMs, 'in-rotation'],
    [noticed, 'leaving'],
    [outOfRotationAtMs, 'out'],
    [gone, 'gone'],
  ];
}

function bandsOf(changes: readonly Change[], untilMs: number): readonly Band[] {
  const happened = changes.filter((change): change is [number, string] => Number.isFinite(change[0]));
  happened.sort(([a], [b]) => a - b);
  return happened
    .map(([fromMs, state], index) => ({ state, fromMs, toMs: Math.min(untilMs, happened[index + 1]?.[0] ?? Infinity) }))
    .filter(({ state, fromMs, toMs }) => toMs > fromMs && state !== 'gone');
}

function marksOf(replica: ReplicaTimeline, signal: string): readonly Mark[] {
  const { signalledAtMs, exitedAtMs, wasKilled } = replica;
  const marks: Mark[] = [];
  if (signalledAtMs !== undefined) marks.push({ kind: 'signal', atMs: signalledAtMs, text: signal });
  if (exitedAtMs === undefined) return marks;
  const after = signalledAtMs === undefined ? '' : `, ${duration(exitedAtMs - signalledAtMs)} after ${signal}`;
  marks.push({ kind: wasKilled ? 'killed' : 'exit', atMs: exitedAtMs, text: endOf(replica) + after });
  return marks;
}
