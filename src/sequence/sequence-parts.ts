import { type GracePeriod } from './budget.js';
import { type Clock } from './clock.js';
import { type Leftover } from './drainable.js';
import { messageOf } from './errors.js';
import { type ShutdownEvents } from './events.js';
import { type PhaseHooks } from './hooks.js';
import { type LameDuckWindow, noLameDuck } from './lame-duck.js';
import { type Probes } from './probes.js';
import { type Traffic } from './traffic.js';

/** Why a shutdown begins, and who brings it to its end. */
export interface ShutdownTrigger {
  readonly reason: string;
  /** Set when a signal began it. */
  readonly signal?: string;
  /** Reports whether the host (Nest) is closing, and will call `hostClosed()`. */
  readonly isHostClosing: boolean;
}

/** What the options grant a shutdown. */
export interface SequenceOptions {
  /** In ms. */
  readonly drainTimeoutMs: number;
  /** What is known of it now: the platform may still be asked until the shutdown begins. */
  readonly gracePeriod: () => GracePeriod;
}

/** The work that the sequence waits for; the tracker of leases keeps it. */
export interface InFlightWork {
  /** Leases that are held. */
  readonly size: number;
  /** Leases that have been released so far. */
  readonly finished: number;
  /** Reports whether new work is no longer taken: the drain is over. */
  readonly isSealed: boolean;
  /** Resolves when no lease is held. */
  idle(): Promise<void>;
  /** From here on no new work is taken. */
  seal(): void;
  /** What is held, oldest first. */
  leftovers(): readonly Leftover[];
  /** Work whose client has gone, and which was not waited for to its end. */
  abandonedLeftovers(): readonly Leftover[];
}

/** What the sequence needs to know of the traffic. */
export type SequenceTraffic = Pick<Traffic, 'becomeUnready' | 'quietSince' | 'effectiveQuietMs' | 'afterUnready'>;

/** What the sequence works with. */
export interface SequenceParts {
  readonly clock: Clock;
  readonly events: ShutdownEvents;
  readonly hooks: PhaseHooks;
  readonly inFlight: InFlightWork;
  readonly traffic: SequenceTraffic;
  readonly probes: Pick<Probes, 'failureSeen'>;
  /** The window that this trigger goes through; `noLameDuck` for none. */
  lameDuckFor(trigger: ShutdownTrigger): LameDuckWindow;
}

/** What runs when a part has failed: its name, and the error. */
type Failed = (name: string, error: string) => void;

/**
 * The same parts, which neither throw nor reject. A part that fails is told to `failed`, and something else stands in
 * for what it did not say: the lame duck and the drain last as long as the options grant, since nobody can tell when
 * they may end.
 */
export function guardParts(parts: SequenceParts, failed: Failed): SequenceParts {
  const { hooks, inFlight, traffic, probes } = parts;
  const guard = <T>(name: string, call: () => T, otherwise: T): T => {
    try {
      return call();
    } catch (error) {
      failed(name, messageOf(error));
      return otherwise;
    }
  };
  const guardAsync = async (name: string, call: () => Promise<void>, otherwise?: Promise<void>): Promise<void> => {
    try {
      await call();
    } catch (error) {
      failed(name, messageOf(error));
      await otherwise;
    }
  };
  return {
    ...parts,
    lameDuckFor: (trigger) => guard('lame duck', () => parts.lameDuckFor(trigger), noLameDuck),
    hooks: {
      longestMs: (phase) => guard('hooks', () => hooks.longestMs(phase), 0),
      run: (phase, occasion) => guardAsync('hooks', () => hooks.run(phase, occasion)),
    },
    inFlight: {
      get size() {
        return guard('in-flight work', () => inFlight.size, 0);
      },
      get finished() {
        return guard('in-flight work', () => inFlight.finished, 0);
      },
      get isSealed() {
        return guard('in-flight work', () => inFlight.isSealed, false);
      },
      idle: () => guardAsync('in-flight work', () => inFlight.idle(), new Promise(() => undefined)),
      seal: () => guard('in-flight work', () => inFlight.seal(), undefined),
      leftovers: () => guard('in-flight work', () => inFlight.leftovers(), []),
      abandonedLeftovers: () => guard('in-flight work', () => inFlight.abandonedLeftovers(), []),
    },
    traffic: {
      becomeUnready: () => guard('traffic', () => traffic.becomeUnready(), undefined),
      get quietSince() {
        return guard('traffic', () => traffic.quietSince, Infinity);
      },
      effectiveQuietMs: (quietMs) => guard('traffic', () => traffic.effectiveQuietMs(quietMs), Infinity),
      get afterUnready() {
        return guard('traffic', () => traffic.afterUnready, { count: 0 });
      },
    },
    probes: {
      get failureSeen() {
        return guard('probes', () => probes.failureSeen, new AbortController().signal);
      },
    },
  };
}
