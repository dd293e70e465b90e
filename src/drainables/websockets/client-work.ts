import { type Held } from '../../in-flight/lease.js';
import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { runUntilSettled } from '../../in-flight/run-until-settled.js';
import { type Clock } from '../../sequence/clock.js';
import { isObject } from '../shared/is-object.js';

const nothing = () => undefined;

/** What is in progress for one client. There is none for a client that has never sent a message. */
export class ClientWork {
  /** Handlers that have begun and not ended. They are always waited for. */
  running = 0;
  /**
   * Replies that are still being given: streams of them, and acks that a handler has kept for later. They may have no
   * end.
   */
  open = 0;
  /** From the close frame on nothing is begun: what arrives behind it is not executed. */
  isClosed = false;
  /** Called when something has ended. */
  ended: () => void = nothing;
}

/**
 * One message: a piece of in-flight work from the start of its handler until its last reply has been handed to the
 * socket.
 */
export class Message implements Held {
  readonly kind = 'message';
  older?: Held;
  newer?: Held;
  private holders = 0;

  constructor(
    readonly name: string,
    readonly startedAt: number,
    private readonly work: ClientWork,
    private readonly tracker: InFlightTracker,
  ) {}

  /** Its handler begins. */
  run(): void {
    this.work.running++;
    this.hold();
  }

  /** Its handler has ended; its client may be gone by then. */
  ran(): void {
    this.work.running--;
    this.drop();
  }

  /** Its replies begin. */
  open(): void {
    this.work.open++;
    this.hold();
  }

  /** The last of them has been handed to the socket, or nobody listens any longer. */
  closed(): void {
    this.work.open--;
    this.drop();
  }

  private hold(): void {
    if (this.holders++ === 0) this.tracker.add(this);
  }

  private drop(): void {
    if (--this.holders === 0) this.tracker.remove(this);
    this.work.ended();
  }
}

/** The work of all clients of one application, whichever server they are connected to. */
export class ClientWorks {
  private readonly works = new WeakMap<object, ClientWork>();

  constructor(
    readonly clock: Clock,
    readonly tracker: InFlightTracker,
  ) {}

  /** The work of `client`: a socket of a namespace of socket.io is met as the connection it runs over. */
  of(client: object): ClientWork {
    const connection = connectionUnder(client);
    let work = this.works.get(connection);
    if (!work) this.works.set(connection, (work = new ClientWork()));
    return work;
  }

  /** The work of a client, if there has ever been any. */
  find(connection: object): ClientWork | undefined {
    return this.works.get(connection);
  }
}

/**
 * As `runUntilSettled()`, but `end` comes after the turn at the soonest: what follows from the result has begun by
 * then.
 */
export function endAfterTurn<T>(run: () => T, end: () => void): T {
  return runUntilSettled(run, () => queueMicrotask(end));
}

function connectionUnder(client: object): object {
  const { conn } = client as { conn?: unknown };
  return isObject(conn) ? conn : client;
}
