import { type Socket } from 'node:net';
import { type RequestHead } from '../../admission/admission.js';

/** A close frame. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

/**
 * A server of WebSockets, of whichever library: met by shape, imported by nobody. `C` is one connection of a client.
 */
export interface SocketServer<C extends object = object> {
  /** The kind and the path, for the report. */
  readonly name: string;
  /** The HTTP server under it, when it tells. */
  readonly httpServer: unknown;
  /** The connections that are open, or closing. */
  clients(): Iterable<C>;
  readonly clientCount: number;
  onConnection(connected: (client: C) => void): void;
  /** Calls `taken` with the socket of each handshake that succeeds. */
  onHandshake(taken: (socket: Socket) => void): void;
  /** Reports whether `request` belongs to a client that is connected: a poll. */
  continues(request: RequestHead): boolean;
  /** Reports whether `request`, which is no upgrade, is a handshake: the first poll. */
  isHandshake(request: RequestHead): boolean;
  /**
   * Something that has to end before `close` would not lose it: a message on its way in. Calls `over` in that case, and
   * reports whether it is one.
   */
  isReceiving(client: C, over: () => void): boolean;
  /** Calls `gone`, once, when the connection has closed, whoever closed it. */
  onGone(client: C, gone: () => void): void;
  isGone(client: C): boolean;
  /** Sends the close frame behind everything that has been sent. */
  close(client: C, farewell: Farewell): void;
  /** Cuts the connection. */
  terminate(client: C): void;
  /** The TCP socket under a client, where it has one of its own. */
  socketOf(client: C): Socket | undefined;
}
