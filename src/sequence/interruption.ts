import { type Clock, type ClockTimer } from './clock.js';
import { type ShutdownEnd } from './report.js';

/** What ends the waiting before its time. */
export type Interrupter = Exclude<ShutdownEnd, 'host'>;

/** Ends the waiting: on a second signal, or at the hard stop. Only the first of them counts. */
export class Interruption {
  private readonly controller = new AbortController();
  private hardStop?: ClockTimer;

  /** @param happened is told before the signal aborts; `by` says who asked, in words */
  constructor(
    private readonly clock: Clock,
    private readonly happened: (interrupter: Interrupter, by: string) => void,
  ) {}

  /** Aborts when nobody waits any longer. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  interrupt(interrupter: Interrupter, by: string): void {
    if (this.signal.aborted) return;
    this.happened(interrupter, by);
    this.controller.abort();
  }

  /** Interrupts at the instant `at`, instead of at the one that was given before. */
  armHardStop(at: number): void {
    this.cancelHardStop();
    this.hardStop = this.clock.after(at - this.clock.now(), () => this.interrupt('hard-stop', 'the hard stop'));
  }

  cancelHardStop(): void {
    this.hardStop?.cancel();
  }

  /** From here on a process in which nothing else is left to do ends before the hard stop. */
  letProcessEnd(): void {
    this.hardStop?.unref?.();
  }
}
