import { constants } from 'node:os';
import { isNestsShutdownListener } from './insides/shutdown-hooks.js';
import { type ProcessHost } from './process-host.js';

/** Marks our own listeners, so that those of another copy of this package are not taken for somebody else's. */
export const companionMark = Symbol.for('nestjs-drain:signal-companion');

/** These end no process by themselves, and Node listens for one of them (a terminal that is resized), or nobody can. */
const notEnding = ['SIGCHLD', 'SIGCONT', 'SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH'];

/** All others: `enableShutdownHooks()` takes any. */
export const watchedSignals = Object.keys(constants.signals).filter(
  (name) => !notEnding.includes(name),
) as readonly NodeJS.Signals[];

/** Reports whether Nest's own shutdown hooks are enabled for `signal`, by whichever application in this process. */
export function areShutdownHooksEnabled(signal: NodeJS.Signals, host: ProcessHost = process): boolean {
  return host.listeners(signal).some(isNestsShutdownListener);
}

/** Reports whether anybody but us listens for `signal`: Nest's shutdown hooks, or the application itself. */
export function isListenedFor(signal: NodeJS.Signals, host: ProcessHost): boolean {
  return countOthers(signal, host) > 0;
}

/** How many listen for `signal` who are neither we nor signal-exit. */
export function countOthers(signal: NodeJS.Signals, host: ProcessHost): number {
  return host.listeners(signal).filter((listener) => !isCompanion(listener)).length - countSignalExits(host);
}

/**
 * Names the listeners for `signal` that are neither Nest's nor ours, nor one of signal-exit: by their name, or by how
 * their text begins.
 */
export function foreignListeners(signal: NodeJS.Signals, host: ProcessHost = process): readonly string[] {
  return host
    .listeners(signal)
    .filter((each) => !isCompanion(each) && !isNestsShutdownListener(each) && !isSignalExit(each))
    .map((each) => each.name || beginningOf(String(each)));
}

export function isCompanion(listener: unknown): boolean {
  return typeof listener === 'function' && companionMark in listener;
}

export function isWatched(event: string | symbol): event is NodeJS.Signals {
  return watchedSignals.includes(event as NodeJS.Signals);
}

/**
 * signal-exit, which many packages load, ends the process itself when nobody but its own copies listens: one more
 * listener, and the signal has no effect at all. It keeps its count on the process, one for version 3 and one for
 * version 4.
 *
 * @see https://github.com/tapjs/signal-exit
 */
function countSignalExits(host: ProcessHost): number {
  const { __signal_exit_emitter__: third, [signalExitKey]: fourth } = host as SignalExitHolder;
  return (third?.count ?? 0) + (fourth?.count ?? 0);
}

/** Its listeners compare how many listen with its own count. */
function isSignalExit(listener: unknown): boolean {
  return /\.listeners\(.*\bcount\b/s.test(String(listener));
}

const signalExitKey = Symbol.for('signal-exit emitter');

interface SignalExitHolder {
  readonly __signal_exit_emitter__?: { readonly count?: number };
  readonly [signalExitKey]?: { readonly count?: number };
}

function beginningOf(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
