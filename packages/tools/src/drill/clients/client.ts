import { type FailureKind } from '../outcomes.js';

/** What was wrong with an answer, or in its place. */
export interface Fault {
  readonly kind: FailureKind;
  readonly detail?: string;
  /** The protocol says that it was not executed, and may be sent again. */
  readonly isUnseen?: boolean;
}

/** What became of one request, and of the connection it was sent on. */
export interface Exchange {
  /** Missing when the answer was whole and right. */
  readonly fault?: Fault;
  /** Whether an earlier request had used the connection. */
  readonly reusedConnection: boolean;
  /** The client's own port, if it had a connection, and knows it. */
  readonly localPort?: number;
}

/** One request that is due. */
export interface Sending {
  /** Of the run, from 0: no two have the same. One that is only tried, and not counted, has a negative one. */
  readonly number: number;
  /** An index into the client's requests. */
  readonly request: number;
  /** Ends it before its outcome is known, as `other`. */
  readonly signal: AbortSignal;
}

/** Where requests are sent. It is opened by its first request, and again after the server has ended it. */
export interface Connection {
  /** Sends one request, once, and resolves to what became of it. Never rejects. */
  send(sending: Sending): Promise<Exchange>;
  /** Ends it, with what is under way. */
  close(): void;
}

/** A protocol, as the open loop drives it. It repairs nothing, and sends nothing a second time by itself. */
export interface Client {
  /** What there is to ask: its name, and its share. */
  readonly requests: readonly { readonly name: string; readonly weight?: number }[];
  /** Whether a connection carries many requests at a time. */
  readonly isShared: boolean;
  /** @param isForOne it is for one request alone, which may say so to the server */
  connect(isForOne: boolean): Connection;
  /**
   * Called when the last request has its outcome, and connections are still open. Resolves when everything that only
   * shows later has been told: doubled answers, executions. Rejects with a `BadInputError` when that cannot be had.
   */
  settle?(signal: AbortSignal): Promise<void>;
  /** Ends what it has besides its connections. */
  close?(): Promise<void>;
}

/** What a client tells besides the outcomes of its requests. */
export interface ClientEars {
  /** A request that was well answered has turned out to be wrong. */
  readonly late: (number: number, fault: Fault) => void;
  /** A failure that is none of a request: a connection that was ended as it should not be. */
  readonly besides: (request: number, fault: Fault, localPort?: number) => void;
}

/** Makes a client that tells these. */
export type ClientOf = (ears: ClientEars) => Client;
