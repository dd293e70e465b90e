import { constants } from 'node:os';

/** Marks our own listeners, so that one application's are not taken for somebody else's by another in the same process. */
const companionMark = Symbol.for('nestjs-drain:signal-companion');

/** What the companions of several applications in one process know of each other. */
interface Companion {
  (signal: NodeJS.Signals): void;
  /** Settles when this application's shutdown is over; nothing before one has begun. */
  [companionMark]: () => Promise<unknown> | undefined;
}

/** What happens when a signal arrives. */
export interface SignalReceiver {
  /** Every signal, the first and all that follow. */
  received(signal: NodeJS.Signals): void;
  /** The shutdown of this application, once a signal has begun it. */
  ending(): Promise<unknown> | undefined;
}

/** All signals: `enableShutdownHooks()` takes any. */
const watched = Object.keys(constants.signals) as NodeJS.Signals[];

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
  othersEnding(): Promise<unknown>[] {
    const companions = new Set(watched.flatMap((signal) => process.listeners(signal).filter(isCompanion)));
    companions.delete(this.listener);
    return [...companions].flatMap((each) => each[companionMark]() ?? []);
  }

  private readonly listenerAdded = (event: string | symbol, listener: unknown): void => {
    if (isWatched(event) && !isCompanion(listener)) this.join(event);
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
  return process.listeners(signal).some((listener) => !isCompanion(listener));
}

function isCompanion(listener: unknown): listener is Companion {
  return typeof listener === 'function' && companionMark in listener;
}

function isWatched(event: string | symbol): event is NodeJS.Signals {
  return watched.includes(event as NodeJS.Signals);
}
