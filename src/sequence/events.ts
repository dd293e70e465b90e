import { channel } from 'node:diagnostics_channel';
import { type Leftover } from './drainable.js';
import { type ShutdownPhase } from './phase.js';
import { type HookReport, type ShutdownReport } from './report.js';

/**
 * A run of the application that ended in the middle of its shutdown, as the file of the option `breadcrumb` tells it.
 * Durations are ms, and those of the last time that it was written.
 *
 * @publicApi
 */
export interface PreviousRun {
  /** The number of its process. */
  readonly pid: number;
  /** Why it was shutting down. */
  readonly reason: string;
  /** Calendar time of the start of the shutdown, ISO 8601. */
  readonly startedAt: string;
  /** The phase it was in. */
  readonly phase: ShutdownPhase;
  /** Since the start of that phase. */
  readonly phaseMs: number;
  /** Since the start of the shutdown. */
  readonly elapsedMs: number;
  /** Pieces of work that were in flight. */
  readonly inFlight: number;
  /** The oldest of them, ten at most. */
  readonly work: readonly Pick<Leftover, 'kind' | 'name' | 'ageMs'>[];
  /** Set where the process ended by itself: it was not killed. */
  readonly exitCode?: number;
}

/**
 * What a shutdown tells while it runs.
 *
 * - `phase`: a transition has happened
 * - `hook`: a hook has settled
 * - `deadline`: the drain deadline has passed with work left
 * - `forced`: a second signal, or the hard stop, ended the waiting
 * - `problem`: something unexpected that did not stop the shutdown
 * - `report`: the shutdown is over
 * - `previous-run`: at bootstrap, that a previous run ended in the middle of its shutdown
 *
 * @publicApi
 */
export type ShutdownEvent =
  | {
      readonly type: 'phase';
      /** The phase that begins. */
      readonly phase: ShutdownPhase;
      /** The phase that has ended. */
      readonly previous: ShutdownPhase;
      /** Why the application shuts down. */
      readonly reason: string;
      /** Since the start of the shutdown, ms. */
      readonly elapsedMs: number;
      /** Pieces of work in flight. */
      readonly inFlight: number;
    }
  | { readonly type: 'hook'; readonly hook: HookReport }
  | { readonly type: 'deadline'; readonly inFlight: number }
  | { readonly type: 'forced'; readonly by: string; readonly inFlight: number }
  | { readonly type: 'problem'; readonly message: string }
  | { readonly type: 'previous-run'; readonly previous: PreviousRun }
  | { readonly type: 'report'; readonly report: ShutdownReport };

/** Whoever is told. */
export type ShutdownEventListener = (event: ShutdownEvent) => void;

/**
 * Hands each event to its listeners and to a `node:diagnostics_channel`: `nestjs-drain:<phase>` for a transition,
 * `nestjs-drain:<type>` for everything else. A listener that throws costs nothing but its own event (Node raises the
 * error of a channel's subscriber as an uncaught exception).
 *
 * @see https://nodejs.org/api/diagnostics_channel.html
 */
export class ShutdownEvents {
  private readonly listeners = new Set<ShutdownEventListener>();

  subscribe(listener: ShutdownEventListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: ShutdownEvent): void {
    channel(`nestjs-drain:${event.type === 'phase' ? event.phase : event.type}`).publish(event);
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch {
        // A subscriber that fails must not cost a request.
      }
    }
  }
}
