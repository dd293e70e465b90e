import { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { refusalMessage } from '../../../words/refusal.js';
import { type TransportServer } from '../shared/transport.js';

/** Status `UNAVAILABLE`, which callers may try again elsewhere: https://grpc.io/docs/guides/status-codes/ */
const unavailable = 14;
/** How long a caller with a retry policy waits before it tries again, ms. The server says so in this field. */
const retryPushback = ['grpc-retry-pushback-ms', '100'] as const;

/** Nest's server of gRPC, which makes a server of grpc-js as it begins to listen. */
export interface GrpcNestServer extends TransportServer {
  createClient?(): unknown;
}

/** What the drain uses of `Server` of @grpc/grpc-js. */
export interface GrpcServer {
  register(path: string, handler: GrpcHandler, ...rest: unknown[]): boolean;
  bindAsync(address: string, credentials: unknown, bound: GrpcBound): void;
  tryShutdown(done: (error?: Error) => void): void;
  forceShutdown(): void;
}

/** Called when a server listens, or cannot. No connection has been accepted by then. */
export type GrpcBound = (error: Error | null, port: number) => void;

/** A private field of it. What is not kept without it is said where it is read. */
interface GrpcInsides {
  readonly http2Servers?: unknown;
}

/** Handles a call: `answer` is there where the caller expects one message, and no stream. */
export type GrpcHandler = (this: unknown, call: GrpcCall, answer?: GrpcAnswer) => unknown;

export type GrpcAnswer = (error: unknown, value?: unknown, ...rest: unknown[]) => void;

/** A call, of all four kinds. */
export interface GrpcCall {
  readonly metadata: { readonly constructor: unknown };
  /** The stream of answers has been ended, where there is one. */
  readonly writableEnded?: boolean;
  cancelled: boolean;
  write?(message: unknown, ...rest: unknown[]): boolean;
  /** `cancelled` is emitted at the end of every call, whichever way it ended. */
  once(event: 'cancelled', listener: () => void): unknown;
  emit(event: string, argument: unknown): boolean;
}

/**
 * The servers of HTTP/2 beneath it, and their sessions of now. Relies on the private field `http2Servers` (since 1.10);
 * without it clients are not told before draining begins, and then by grpc-js; a TLS handshake that ends while draining
 * is served, and one that never ends holds the drain to its deadline.
 */
export function http2ServersOf(grpc: GrpcServer): ReadonlyMap<Http2Server, readonly ServerHttp2Session[]> {
  const { http2Servers } = grpc as GrpcInsides;
  const found = new Map<Http2Server, readonly ServerHttp2Session[]>();
  if (!(http2Servers instanceof Map)) return found;
  for (const [server, info] of http2Servers as Map<Http2Server, { readonly sessions?: Iterable<ServerHttp2Session> }>) {
    found.set(server, [...(info?.sessions ?? [])]);
  }
  return found;
}

/** Ends a call with 14 UNAVAILABLE. */
export function refuseCall(call: GrpcCall, answer?: GrpcAnswer): void {
  const Metadata = call.metadata.constructor as new () => { set(name: string, value: string): void };
  const metadata = new Metadata();
  metadata.set(...retryPushback);
  const error = Object.assign(new Error(refusalMessage), { code: unavailable, details: refusalMessage, metadata });
  if (answer) answer(error);
  else call.emit('error', error);
}
