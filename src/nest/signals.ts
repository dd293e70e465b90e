import { constants } from 'node:os';

/** Marks our own listeners, so that one application's are not taken for somebody else's by another in the same process. */
const companionMark = Symbol.for('nestjs-drain:signal-companion');

/** What the companions of several applications in one process know of each other. */
interface Companion {
  (signal: NodeJS.Signals): void;
  /** Settles, with the exit code it asks for, when this application's shutdown is over; nothing before a signal has begun one. */
  [companionMark]: () => Promise<number | undefined> | undefined;
}

/** What happens when a signal arrives. */
export interface SignalReceiver {
  /** Every signal, the first and all that follow. */
  received(signal: NodeJS.Signals): void;
  /** The shutdown of this application, once a signal has begun it: the exit code it asks for, if any. */
  ending(): Promise<number | undefined> | undefined;
}

/** These end no process by themselves, and Node listens for one of them (a terminal that is resized), or nobody can. */
const notEnding = ['SIGCHLD', 'SIGCONT', 'SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'];

/** All others: `enableShutdownHooks()` takes any. */
const watched = Object.keys(constants.signals).filter((name) => !notEnding.includes(name)) as NodeJS.Signals[];

/**
 * Listens for a signal beside whoever else does, and only while somebody does: a listener of ours alone would keep the signal from ending the
 * process. Nest tells its first hooks no signal; this does, and hears the second one, which Nest ignores.
 */
export class SignalCompanion {
  private readonly listener: Companion;

  constructor(receiver: SignalReceiver) {
    this.listener = Object.assign((signal: NodeJS.Signals) => receiver.received(signal), {
      [companionMark]: () => receiver.ending(),
    });
  }

  start(): void {
    process.on('newListener', this.listenerAdded);
    process.on('removeListener', this.listenerRemoved);
    for (const signal of watched) if (areShutdownHooksEnabled(signal)) this.join(signal);
  }

  /** Leaves nothing of ours on the process. */
  stop(): void {
    process.off('newListener', this.listenerAdded);
    process.off('removeListener', this.listenerRemoved);
    for (const signal of watched) process.off(signal, this.listener);
  }

  /** The shutdowns, begun by a signal, of the other applications in this process. */
  othersEnding(): Promise<number | undefined>[] {
    const companions = new Set(watched.flatMap((signal) => process.listeners(signal).filter(isCompanion)));
    companions.delete(this.listener);
    return [...companions].flatMap((each) => each[companionMark]() ?? []);
  }

  private readonly listenerAdded = (event: string | symbol, listener: unknown): void => {
    // It is told before the listener is there.
    if (isWatched(event) && !isCompanion(listener) && countOthers(event) + 1 > 0) this.join(event);
  };

  private readonly listenerRemoved = (event: string | symbol, listener: unknown): void => {
    if (isWatched(event) && !isCompanion(listener) && !areShutdownHooksEnabled(event))
      process.off(event, this.listener);
  };

  private join(signal: NodeJS.Signals): void {
    if (!process.listeners(signal).includes(this.listener)) process.prependListener(signal, this.listener);
  }
}

/** Reports whether somebody listens for `signal`: Nest's shutdown hooks, or the application itself. */
export function areShutdownHooksEnabled(signal: NodeJS.Signals): boolean {
  return countOthers(signal) > 0;
}

/** Listeners for `signal` that are neither ours nor signal-exit's. */
function countOthers(signal: NodeJS.Signals): number {
  return process.listeners(signal).filter((listener) => !isCompanion(listener)).length - countSignalExits();
}

/**
 * signal-exit, which many packages load, ends the process itself when nobody but its own copies listens: one more listener, and the signal has no
 * effect at all. It keeps its count on the process, one for version 3 and one for version 4.
 *
 * @see https://github.com/tapjs/signal-exit
 */
function countSignalExits(): number {
  const { __signal_exit_emitter__: third, [signalExitKey]: fourth } = process as SignalExitHolder;
  return (third?.count ?? 0) + (fourth?.count ?? 0);
}

const signalExitKey = Symbol.for('signal-exit emitter');

interface SignalExitHolder {
  readonly __signal_exit_emitter__?: { readonly count?: number };
  readonly [signalExitKey]?: { readonly count?: number };
}

function isCompanion(listener: unknown): listener is Companion {
  return typeof listener === 'function' && companionMark in listener;
}

function isWatched(event: string | symbol): event is NodeJS.Signals {
  return watched.includes(event as NodeJS.Signals);
}
