import { afterAndPoll, type Clock, type ClockTimer } from './clock.js';

/** One Ctrl-C reaches a process twice where npm or a watcher hands on what the terminal has sent it already, ms. */
export const oneKeystrokeMs = 500;

/** Tells whether a signal that comes again still belongs to the keystroke that has sent it first. */
export class Keystroke {
  private timer?: ClockTimer;

  constructor(private readonly clock: Clock) {}

  /** Reports whether what comes now is of the keystroke that has begun. */
  get isOn(): boolean {
    return this.timer !== undefined;
  }

  /** A signal has come that was a keystroke's first. Does not keep the process alive. */
  begin(): void {
    this.end();
    // Timers fire before signals are heard: one that came while this process stood still is not a second keystroke.
    this.timer = afterAndPoll(this.clock, oneKeystrokeMs, () => this.end());
    this.timer.unref?.();
  }

  end(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }
}
