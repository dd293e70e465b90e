import { type Clock, type ClockTimer, nextPoll } from '../../sequence/clock.js';
import { type ClientWork, type ClientWorks } from './client-work.js';
import { type Farewell, type SocketServer } from './socket-server.js';

/** What the departures of one server share. */
export interface DepartureContext<C extends object> {
  readonly server: SocketServer<C>;
  readonly works: ClientWorks;
  readonly clock: Clock;
  readonly farewell: Farewell;
  readonly closeTimeoutMs: number;
  /** Its connection has closed. */
  departed(departure: Departure<C>): void;
  /** Its time is up: its connection is about to be cut. */
  overstayed(departure: Departure<C>): void;
}

/**
 * One client that leaves: its messages in progress end and their replies are handed to its socket; a close frame
 * follows behind them; it takes what it has been sent and answers; then it is gone. One that does not answer in time is
 * cut.
 */
export class Departure<C extends object> {
  readonly startedAt: number;
  private state: 'working' | 'closing' | 'gone' = 'working';
  private work?: ClientWork;
  /** Streams of replies and late acks have had their time. */
  private isPatient = true;
  private isLooking = false;
  private timer?: ClockTimer;

  constructor(
    readonly client: C,
    private readonly context: DepartureContext<C>,
  ) {
    this.startedAt = context.clock.now();
  }

  /** Begins. */
  start(): void {
    this.context.server.onGone(this.client, this.gone);
    this.look();
  }

  /**
   * New clients are refused by now: what may have no end gets `closeTimeoutMs` more. Handlers that have begun are still
   * waited for.
   */
  hurry(): void {
    if (this.state !== 'working' || this.timer) return;
    const { clock, closeTimeoutMs } = this.context;
    this.timer = clock.after(closeTimeoutMs, () => {
      this.isPatient = false;
      // A client that never pauses would never be gone.
      if (this.work) this.work.isClosed = true;
      this.look();
    });
  }

  /** Cuts it at once. */
  cut(): void {
    this.timer?.cancel();
    this.state = 'closing';
    this.context.server.terminate(this.client);
  }

  /** What it waits for has changed: looks, once more, whether it can be closed. */
  private readonly look = (): void => {
    if (this.state !== 'working' || this.isLooking || this.isBusy()) return;
    this.isLooking = true;
    // What the kernel already holds was sent in time.
    void nextPoll().then(() => {
      this.isLooking = false;
      if (this.state === 'working' && !this.isBusy()) this.close();
    });
  };

  private isBusy(): boolean {
    const { server, works } = this.context;
    this.work ??= works.find(this.client);
    if (this.work) {
      this.work.ended = this.look;
      if (this.work.running > 0 || (this.isPatient && this.work.open > 0)) return true;
    }
    return this.isPatient && server.isReceiving(this.client, this.look);
  }

  private close(): void {
    const { server, works, clock, farewell, closeTimeoutMs } = this.context;
    this.state = 'closing';
    this.timer?.cancel();
    this.timer = clock.after(closeTimeoutMs, () => {
      this.context.overstayed(this);
      server.terminate(this.client);
    });
    works.of(this.client).isClosed = true;
    server.close(this.client, farewell);
  }

  private readonly gone = (): void => {
    this.state = 'gone';
    this.timer?.cancel();
    this.context.departed(this);
  };
}
