import { type Abandoned } from '../../../in-flight/abandoned-work.js';
import { type Held } from '../../../in-flight/lease.js';
import { type Clock } from '../../../sequence/clock.js';
import { setImmediate } from '../../../sequence/timers.js';
import { Progress } from '../../shared/progress.js';
import { type CallConnection, type RunningCall } from './call-connection.js';

/** Who keeps the leases of all work of the application. */
interface Leases {
  add(work: Held): void;
  remove(work: Held): void;
  abandon(work: Held): Abandoned | undefined;
  endAbandoned(abandoned: Abandoned): void;
}

/** What is called in the next turn of the event loop. */
export interface AfterTurn {
  turnIsOver(): void;
}

/**
 * One message: a piece of in-flight work from the call of its handler until the promise of that has settled and the
 * stream that came out of it has ended.
 */
export class RunningMessage implements Held, AfterTurn, RunningCall {
  older?: Held;
  newer?: Held;
  /** Its caller has gone, while its handler goes on. */
  abandoned?: Abandoned;
  private holders = 1;

  constructor(
    readonly kind: 'rpc' | 'event',
    readonly name: string,
    readonly startedAt: number,
    private readonly work: MessageWork,
    private connection: CallConnection | undefined,
  ) {
    connection?.callBegins(this);
  }

  /** A stream of its answers begins. */
  hold(): void {
    this.holders++;
  }

  /** Its handler, or a stream of its answers, has ended. */
  drop(): void {
    if (--this.holders > 0) return;
    this.connection?.callEnded(this);
    this.work.ended(this);
  }

  /**
   * Its handler, or a stream of its answers, has ended. Whoever called the handler takes up its stream, if there is one,
   * and hands its answer to the transport only after that: all of it has happened a turn later.
   */
  dropAfterTurn(): void {
    this.work.afterTurn(this);
  }

  abandon(): void {
    // A handler that never ends would keep the connection.
    this.connection = undefined;
    this.work.abandon(this);
  }

  turnIsOver(): void {
    this.drop();
  }
}

/** What is in progress at one transport: messages whose handlers run, and replies that are on their way out. */
export class MessageWork {
  private readonly progress = new Progress();
  private running = 0;
  private replies = 0;
  private arriving = 0;
  private later: AfterTurn[] = [];
  private arrivedNow = 0;

  constructor(
    private readonly clock: Clock,
    private readonly leases: Leases,
  ) {}

  get isIdle(): boolean {
    return this.running === 0 && this.replies === 0 && this.arriving === 0 && this.arrivedNow === 0;
  }

  /** How many replies have not left. */
  get repliesOpen(): number {
    return this.replies;
  }

  /** Resolves when nothing is in progress, or at the deadline. */
  idle(deadline: AbortSignal): Promise<void> {
    return this.progress.until(() => this.isIdle, deadline);
  }

  /** @param connection the one it has come by, where its transport counts the calls of each */
  begin(kind: 'rpc' | 'event', name: string, connection?: CallConnection): RunningMessage {
    const message = new RunningMessage(kind, name, this.clock.now(), this, connection);
    this.running++;
    this.leases.add(message);
    return message;
  }

  ended(message: RunningMessage): void {
    if (message.abandoned) return this.leases.endAbandoned(message.abandoned);
    this.running--;
    this.leases.remove(message);
    this.progress.made();
  }

  /** Nest has been given a message: it is read first, and by a deserializer that may take its time. */
  arrives(): void {
    this.arriving++;
  }

  /** What Nest does with a message has come to its end, and at least so far that its handler has been called. */
  readonly arrived = (): void => {
    this.arriving--;
    this.progress.made();
  };

  /** Nest has been given a message, and its handler is called in this turn. */
  arrivesNow(): void {
    if (this.arrivedNow++ === 0) this.afterTurn(this.arrivals);
  }

  private readonly arrivals: AfterTurn = {
    turnIsOver: () => {
      this.arrivedNow = 0;
      this.progress.made();
    },
  };

  /** Its caller has gone: what its handler still does is waited for no longer than a moment when all else has ended. */
  abandon(message: RunningMessage): void {
    message.abandoned = this.leases.abandon(message);
    if (!message.abandoned) return;
    this.running--;
    this.progress.made();
  }

  replyBegins(): void {
    this.replies++;
  }

  /** Nest hands the next packet of the same reply on in this turn. */
  readonly replyLeft = (): void => this.afterTurn(this.replyGone);

  private readonly replyGone: AfterTurn = {
    turnIsOver: () => {
      this.replies--;
      this.progress.made();
    },
  };

  /** Tells in the next turn of the event loop. */
  afterTurn(told: AfterTurn): void {
    if (this.later.push(told) === 1) setImmediate(this.turn);
  }

  /** One immediate serves all that have asked for it in a turn. */
  private readonly turn = (): void => {
    const later = this.later;
    this.later = [];
    for (const told of later) told.turnIsOver();
  };
}
