/**
 * Every part of Node that is used here and is not documented: what `node:cluster` itself is made of. A listening socket
 * is passed on without being accepted from, and a connection without being read from, by their handles alone.
 */
import { type ChildProcess } from 'node:child_process';
import { type AddressInfo, type Server } from 'node:net';
import * as net from 'node:net';

/** A connection that has been accepted, and that nobody reads from yet. */
export interface ConnectionHandle {
  close(): void;
}

/** A bound socket. */
export interface ListenHandle {
  onconnection?: (this: ListenHandle, error: number, client?: ConnectionHandle) => void;
  listen(backlog: number): number;
  close(): void;
  getsockname?(out: { address?: string; port?: number; family?: string }): number;
}

/** The handle of a server; nothing while it does not listen. */
export function handleOf(server: Server): ListenHandle | undefined {
  return (server as unknown as { readonly _handle?: ListenHandle | null })._handle ?? undefined;
}

/** Has `server`, which listens, hand each connection to `take`, and make no socket of it. */
export function takeConnections(server: Server, take: (client: ConnectionHandle) => void): void {
  const handle = handleOf(server);
  if (!handle?.onconnection) throw new Error(missing('connections cannot be handed over'));
  // An error is a connection that went away before it was accepted, or a want of descriptors: the socket stays.
  handle.onconnection = (_error, client) => client && take(client);
}

/**
 * Gives `server` a connection as if it had accepted it itself: it is counted, and its options hold. Reports whether the
 * server listens, and has taken it.
 */
export function giveConnection(server: Server, error: number, client?: ConnectionHandle): boolean {
  const handle = handleOf(server);
  if (!handle?.onconnection) return false;
  handle.onconnection(error, client);
  return true;
}

/**
 * Calls back for each handle that `child` has been sent, in order: whether it has arrived. A process that has no
 * descriptor left gets neither the handle nor the message that came with it.
 */
export function followHandles(child: ChildProcess, answered: (hasArrived: boolean) => void): void {
  child.on('internalMessage', ({ cmd }: { readonly cmd?: string }) => {
    if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') answered(cmd === 'NODE_HANDLE_ACK');
  });
}

/** Where it is bound, unless that is a path. */
export function addressOf(socket: ListenHandle): AddressInfo {
  const out: Partial<AddressInfo> = {};
  socket.getsockname?.(out);
  return out as AddressInfo;
}

type CreateServerHandle = (
  address: string | null,
  port: number,
  addressType: 4 | 6 | -1,
  fd?: number,
  flags?: number,
) => ListenHandle | number;

/** Binds a socket that this process never accepts from. Returns the number of an error when it cannot. */
export function bindOnly(...where: Parameters<CreateServerHandle>): ListenHandle | number {
  const { _createServerHandle } = net as unknown as { readonly _createServerHandle?: CreateServerHandle };
  if (!_createServerHandle) throw new Error(missing('a socket cannot be shared'));
  const handle = _createServerHandle(...where);
  if (typeof handle === 'number' || !handle.getsockname || where[2] === -1) return handle;
  // A port that is taken is told of here, or else when it is listened on, by another process.
  const error = handle.getsockname({});
  if (error === 0) return handle;
  handle.close();
  return error;
}

function missing(what: string): string {
  return `Expected the parts of Node that node:cluster is made of, and ${process.version} has others: ${what}.`;
}
