import { type Clock } from '../../../sequence/clock.js';
import { type Leftover } from '../../../sequence/drainable.js';
import { type CallConnection } from './call-connection.js';
import { type MessageGate } from './message-gate.js';
import { type MessageWork } from './message-work.js';

/** The server of a microservice's transport, as every one of Nest's has it: each transport's folder knows more. */
export interface TransportServer {
  /** Which of Nest's transports it is: its number there; anything, or nothing, for a custom strategy. */
  readonly transportId?: unknown;
  addHandler?: AddHandler;
  send?(stream: unknown, respond: (packet: unknown) => unknown): unknown;
  /** Called with what has arrived, by the servers of Nest alone. Settles no earlier than the handler is called. */
  handleMessage?(...args: unknown[]): unknown;
  readonly deserializer?: object;
  /** Of the application: what Nest calls with a message before its handler. */
  readonly onProcessingStartHook?: unknown;
  /** Logs it. */
  handleError?(error: unknown): unknown;
  listen?(listens: (...args: unknown[]) => unknown, ...rest: unknown[]): unknown;
  close?(...args: unknown[]): unknown;
}

/** Gives a server the handler of a pattern. */
export type AddHandler = (
  pattern: unknown,
  callback: MessageCallback,
  isEventHandler?: boolean,
  extras?: unknown,
) => unknown;

/** What Nest calls with a message, and what it has left on it. */
export interface MessageCallback {
  (...args: unknown[]): unknown;
  /** The next listener of the same event. */
  next?: MessageCallback;
}

/** What a transport is given. */
export interface TransportContext {
  readonly clock: Clock;
  /** Reports whether draining has begun. */
  readonly isDraining: () => boolean;
  /** With what a call is answered that is not executed, over transports that have no status of their own. */
  readonly refusal: unknown;
  readonly readiness: TransportReadiness;
}

/** Whether the application is ready, for a transport that tells of it in words of its own. */
export interface TransportReadiness {
  isReady(): boolean;
  /** Answers somebody who asks, and remembers that they have asked, and what they were told. */
  probe(): boolean;
  /** Calls `look` whenever readiness may have changed. */
  watch(look: () => void): void;
}

/**
 * One transport, as the drain needs it: how to take no further messages while the connection stays, and how to know
 * that what has been written has left. `TransportDrainable` does the rest, and in this order: `announce` in the lame
 * duck; `stopTaking` as draining begins; messages in progress end; `flush`, or `cut`; `disconnect` when Nest closes it.
 *
 * Each step may reject: the report says so, and the shutdown goes on. None is called twice.
 */
export interface Transport {
  /** Names it in logs and in the report: `NATS`. */
  readonly name: string;
  /** What to say at bootstrap about how it is configured, a sentence each. */
  readonly warnings?: readonly string[];
  /** The connection of a call that is about to be executed, by what Nest hands to its handler along with the data. */
  connectionOf?(context: unknown): CallConnection | undefined;
  /**
   * Tell clients to leave; everything is still served. A transport has it when clients come to the address of this
   * process, and none where a broker stands between: with nobody to tell, there is no lame duck.
   */
  announce?(spreadMs: number): void;
  /**
   * Counts its messages, and refuses late ones. Called once, before the server has a handler. Without it both are done
   * by what all servers have in common.
   */
  count?(work: MessageWork, gate: MessageGate): void;
  /**
   * Take no further messages; the connection stays. Resolves when none arrives any longer.
   *
   * @param deadline aborts at the drain deadline: nobody waits any longer
   */
  stopTaking(deadline: AbortSignal): Promise<void>;
  /** Resolves when everything that has been written has left: replies, acknowledgements. */
  flush?(deadline: AbortSignal): Promise<void>;
  /**
   * With what a call is answered that arrives while draining, instead of being executed. Without it, calls that still
   * arrive are served: they have been delivered, and no one else would.
   *
   * @returns what the handler's stream fails with
   */
  refusal?(): unknown;
  /** What the drain has ended without: asked when it has ended in time, and named in the report. */
  leftovers?(): readonly Leftover[];
  /** The drain deadline has passed: cut what is left. Names what the leases of messages do not. */
  cut?(): Promise<readonly Leftover[]> | readonly Leftover[];
  /**
   * Nest closes the transport, after the drain.
   *
   * @param close Nest's own `server.close()`. @default it is called
   * @param wasCut whether the drain has been cut: no time is left to wait for a broker that does not answer
   */
  disconnect?(close: () => unknown, wasCut: boolean): unknown;
}

/** Recognises the server of a transport by its shape. Nothing of an optional package is imported for it. */
export type TransportRecogniser = (server: TransportServer, context: TransportContext) => Transport | undefined;
