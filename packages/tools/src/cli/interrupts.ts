import { constants as system } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C ends the drill with all its children; the second one ends it at once, and they end with it. */
export class Interrupts {
  number?: number;
  private readonly controller = new AbortController();

  constructor() {
    for (const signal of signals) process.on(signal, this.interrupt);
  }

  /** Nobody reads what is written any more: ends it as Ctrl-C does, with the status of a process that SIGPIPE ends. */
  readonly onClosedPipe = (): void => {
    if (this.number === undefined) this.abort('SIGPIPE');
  };

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    for (const signal of signals) process.off(signal, this.interrupt);
  }

  private readonly interrupt = (signal: NodeJS.Signals): void => {
    if (this.number !== undefined) process.exit(128 + system.signals[signal]);
    this.abort(signal);
  };

  private abort(signal: NodeJS.Signals): void {
    this.number = system.signals[signal];
    this.controller.abort(new Error(signal));
  }
}
