import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

/** What takes its time between a request and its query: 300 ms, or as long as a test holds it. */
@Injectable()
export class Work {
  private held?: Promise<void>;
  private enter!: () => void;
  /** Settles when the first request is in it. */
  readonly entered = new Promise<void>((resolve) => (this.enter = resolve));

  /** Holds it until the returned function is called. */
  hold(): () => void {
    let release!: () => void;
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }

  async end(): Promise<void> {
    this.enter();
    await (this.held ?? delay(300));
  }
}
