import { EventEmitter } from 'node:events';
import { NestApplicationContext } from '@nestjs/core';
import { recogniseListenersOf } from '../../src/nest/insides/shutdown-hooks.js';
import { type ProcessHost } from '../../src/nest/process-host.js';

recogniseListenersOf(NestApplicationContext);

/** A process that a test makes signals arrive at. It does not end: it notes how it would have. */
export class FakeProcess extends EventEmitter {
  readonly pid: number = 4_321;
  exitCode: number | undefined;
  /** What `exit()` has been called with. */
  readonly exits: (number | undefined)[] = [];
  /** The signals it has sent, to itself or to others. */
  readonly kills: [pid: number, signal: string][] = [];

  kill = (pid: number, signal = 'SIGTERM'): true => {
    this.kills.push([pid, signal]);
    return true;
  };

  exit(code?: number): void {
    this.exits.push(code);
  }

  /** A signal arrives. */
  signal(signal: NodeJS.Signals): void {
    this.emit(signal, signal);
  }

  /** Adds the listener that `enableShutdownHooks()` adds. It closes nothing. */
  enableShutdownHooks(...signals: NodeJS.Signals[]): () => void {
    const listener = nestsShutdownListener();
    for (const signal of signals) this.on(signal, listener);
    return () => {
      for (const signal of signals) this.off(signal, listener);
    };
  }

  get host(): ProcessHost {
    return this as unknown as ProcessHost;
  }

  /** The names of the events that somebody listens for. */
  get listenedFor(): string[] {
    return this.eventNames().map(String).sort();
  }
}

/** The listener that `enableShutdownHooks()` adds, of an application on Nest 11 or 12 whose shutdown never ends. */
export function nestsShutdownListener(): () => void {
  const add = Reflect.get(NestApplicationContext.prototype, 'listenToShutdownSignals') as (
    signals: string[],
    options: object,
  ) => void;
  const shutdown = () => new Promise(() => undefined);
  const application = {
    shutdownCleanupRefs: new Map(),
    activeShutdownSignals: [],
    shutdown,
    callDestroyHook: shutdown,
  };
  const before = new Set(process.listeners('SIGWINCH'));
  // It ends no process, and nobody of ours listens for it.
  add.call(application as never, ['SIGWINCH'], {});
  const listener = process.listeners('SIGWINCH').find((each) => !before.has(each))!;
  process.off('SIGWINCH', listener);
  return listener as () => void;
}
