import { type AddressInfo } from 'node:net';
import { graceVariable, supervisorVariable } from '../platform/supervised-worker.js';

/** What an application has asked `listen()` for. */
export interface AskedAddress {
  readonly port?: number;
  readonly host?: string;
  readonly path?: string;
  readonly backlog?: number;
  readonly ipv6Only?: boolean;
  readonly readableAll?: boolean;
  readonly writableAll?: boolean;
}

/** How a server is spoken to. */
export type Scheme = 'http' | 'https' | 'http2' | 'https2' | 'other';

/** Why a socket could not be bound, as Node's errors have it. */
export interface BindError {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** `rolled`: others go on accepting. `stopped`: all end. */
export type Manner = 'rolled' | 'stopped';

/** What a worker tells the supervisor. */
export type FromWorker =
  /** The application asks to listen. */
  | { readonly kind: 'listen'; readonly key: string; readonly asked: AskedAddress }
  /** It listens in private, at `at`. */
  | { readonly kind: 'listening'; readonly key: string; readonly at: AddressInfo | string; readonly scheme: Scheme }
  /** It accepts from the socket that all workers share. */
  | { readonly kind: 'accepting'; readonly key: string }
  /** It has closed that listener. */
  | { readonly kind: 'closed'; readonly key: string }
  | { readonly kind: 'taken' | 'declined'; readonly connection: number }
  | { readonly kind: 'alive'; readonly rss: number }
  | { readonly kind: 'retiring' };

/** What the supervisor tells a worker. */
export type FromSupervisor =
  | {
      readonly kind: 'bound';
      readonly key: string;
      readonly address: AddressInfo | string;
      readonly ticketKeys: string;
    }
  | { readonly kind: 'refused'; readonly key: string; readonly error: BindError }
  /** Accept from the socket that comes with this. */
  | { readonly kind: 'accept'; readonly key: string; readonly backlog: number }
  /** Take the connection that comes with this. */
  | { readonly kind: 'connection'; readonly key: string; readonly connection: number }
  | { readonly kind: 'retire'; readonly manner: Manner; readonly signal: NodeJS.Signals; readonly withinMs: number };

/** Applications have messages of their own: these are told from them by an envelope. */
export interface Envelope<Message> {
  readonly nestjsDrain: Message;
}

/** What is in the envelope, if it is one. */
export function opened<Message>(message: unknown): Message | undefined {
  return (message as Partial<Envelope<Message>> | null)?.nestjsDrain;
}

/** One socket for each: the same in all workers. */
export function keyOf({ port, host, path }: AskedAddress): string {
  return path ?? `${host ?? ''}:${port}`;
}

/** The environment of a worker, which its preload reads. */
export const workerVariables = {
  /** Its place, from 1. */
  number: 'NESTJS_DRAIN_WORKER',
  /** What NODE_OPTIONS was before the preload was added to it. */
  nodeOptions: 'NESTJS_DRAIN_NODE_OPTIONS',
  graceMs: graceVariable,
  supervisor: supervisorVariable,
  /** A folder for sockets that no one else may reach. */
  privateFolder: 'NESTJS_DRAIN_PRIVATE_FOLDER',
} as const;

/** How often a worker says that it lives, ms. */
export const heartbeatMs = 500;
