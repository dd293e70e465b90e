import { Server as NetServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Server as TlsServer } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import { type ConnectionHandle, giveConnection, type ListenHandle } from '../insides.js';
import { type BindError, type FromSupervisor, keyOf, type Scheme, workerVariables } from '../protocol.js';
import { listenCall, type ListenCall } from './asked-address.js';
import { type Channel } from './channel.js';

type Address = ReturnType<Server['address']>;
type BindAnswer = FromSupervisor & { kind: 'bound' | 'refused' };

/** A server whose `listen()` has been called. */
interface SharedServer {
  readonly server: Server;
  readonly call: ListenCall;
  /** Accepts from the socket that all workers share, where they share one. */
  acceptor?: ListenHandle;
}

/**
 * Servers of the application that share their sockets with other workers. Each listens in private, where the supervisor
 * may ask whether it is ready; connections of clients are given to it as if it had accepted them itself. Whoever closes
 * it, by whatever way, closes its share as well.
 */
export class SharedServers {
  private readonly byKey = new Map<string, SharedServer>();
  private readonly keys = new WeakMap<Server, string>();
  private readonly asking = new Map<string, (answer: BindAnswer) => void>();
  private privatePaths = 0;

  /** @param listens is called with each server, when it listens */
  constructor(
    private readonly channel: Channel,
    private readonly listens: (server: Server) => void,
  ) {}

  /** From here on `listen()` asks the supervisor. */
  begin(): void {
    const { prototype } = NetServer;
    // Called below on the server that each is called on.
    const { listen, close } = prototype; // eslint-disable-line @typescript-eslint/unbound-method
    const shared = this; // eslint-disable-line @typescript-eslint/no-this-alias
    prototype.listen = function (this: Server, ...args: unknown[]): Server {
      const call = listenCall(args);
      // It complains when it listens already.
      if (!call || this.listening) return (listen as (...args: unknown[]) => Server).apply(this, args);
      shared.ask(this, call, (where, callback) => listen.call(this, where, callback));
      return this;
    };
    prototype.close = function (this: Server, callback?: (error?: Error) => void): Server {
      shared.close(this);
      return close.call(this, callback);
    };
  }

  get servers(): readonly Server[] {
    return [...this.byKey.values()].map(({ server }) => server);
  }

  /** The supervisor has bound the socket, or could not. */
  answered(answer: BindAnswer): void {
    const answeredOf = this.asking.get(answer.key);
    this.asking.delete(answer.key);
    answeredOf?.(answer);
  }

  private ask(
    server: Server,
    call: ListenCall,
    listen: (where: { port: number; host: string } | { path: string }, callback?: () => void) => void,
  ): void {
    const { channel } = this;
    const { asked, signal, callback } = call;
    const key = keyOf(asked);
    if (this.keys.has(server)) throw coded('ERR_SERVER_ALREADY_LISTEN', 'listen() has been called on it already.');
    if (this.byKey.has(key)) {
      const error = coded('EADDRINUSE', `listen EADDRINUSE: address already in use ${key}`);
      return process.nextTick(() => server.emit('error', error));
    }
    this.byKey.set(key, { server, call });
    this.keys.set(server, key);
    signal?.addEventListener('abort', () => server.close(), { once: true });
    channel.hold();
    this.asking.set(key, (answer) => {
      channel.release();
      if (this.keys.get(server) !== key) return;
      if (answer.kind === 'refused') {
        this.forget(server, key);
        return void server.emit('error', asError(answer.error));
      }
      shareTicketKeys(server, answer.ticketKeys);
      // Before any listener of the application, which may ask for the address.
      server.prependOnceListener('listening', () => this.listening(server, key, answer.address));
      listen(asked.path === undefined ? { port: 0, host: '127.0.0.1' } : { path: this.privatePath() }, callback);
    });
    channel.tell({ kind: 'listen', key, asked });
  }

  private listening(server: Server, key: string, address: Address): void {
    const at = server.address()!;
    // What it is asked for is where its clients find it.
    server.address = () => (server.listening ? address : null);
    this.channel.tell({ kind: 'listening', key, at, scheme: schemeOf(server) });
    this.listens(server);
  }

  /** Gives a connection to the server that it is meant for. Reports whether it is taken. */
  take(key: string, client: ConnectionHandle, taken: () => void): boolean {
    const shared = this.byKey.get(key);
    if (!shared?.server.listening) {
      client.close();
      return false;
    }
    // Said before anything is read from it: nobody else may get it from here on, even if this process dies.
    taken();
    giveConnection(shared.server, 0, client);
    return true;
  }

  /** Accepts from `handle`, beside other workers. */
  accept(key: string, handle: ListenHandle, backlog: number): void {
    const shared = this.byKey.get(key);
    if (!shared?.server.listening || shared.acceptor) return handle.close();
    shared.acceptor = handle;
    handle.onconnection = (error, client) => void giveConnection(shared.server, error, client);
    const error = handle.listen(backlog);
    if (error === 0) return this.channel.tell({ kind: 'accepting', key });
    const code = getSystemErrorName(error);
    shared.server.emit('error', coded(code, `listen ${code}: ${key}`));
  }

  /** Takes no further connection. What is listened on in private stays, and so do all connections. */
  stopAccepting(): void {
    for (const [key, { server }] of this.byKey) {
      this.forget(server, key);
      this.channel.tell({ kind: 'closed', key });
    }
  }

  private close(server: Server): void {
    const key = this.keys.get(server);
    if (key === undefined) return;
    this.forget(server, key);
    Reflect.deleteProperty(server, 'address');
    this.channel.tell({ kind: 'closed', key });
  }

  private forget(server: Server, key: string): void {
    this.byKey.get(key)?.acceptor?.close();
    this.byKey.delete(key);
    this.keys.delete(server);
  }

  /** A socket of Unix is shared where none but its owner may reach it: its own permissions are not those of this. */
  private privatePath(): string {
    const folder = process.env[workerVariables.privateFolder]!;
    return join(folder, `${process.pid}-${this.privatePaths++}.sock`);
  }
}

/** A session that one worker has begun is resumed by any. */
function shareTicketKeys(server: Server, ticketKeys: string): void {
  const { setTicketKeys, ticketKeys: own } = server as Partial<TlsServer> & { ticketKeys?: unknown };
  if (own === undefined) setTicketKeys?.call(server as TlsServer, Buffer.from(ticketKeys, 'base64'));
}

function schemeOf(server: Server): Scheme {
  const isSecure = 'setTicketKeys' in server;
  const { name } = server.constructor;
  // An HTTP/2 server that takes HTTP/1.1 as well is asked in that.
  const speaksHttp1 = 'keepAliveTimeout' in server || (server as { allowHTTP1?: unknown }).allowHTTP1 === true;
  if (speaksHttp1) return isSecure ? 'https' : 'http';
  if (/^Http2/.test(name)) return isSecure ? 'https2' : 'http2';
  return 'other';
}

function asError({ message, ...rest }: BindError): Error {
  return Object.assign(new Error(message), rest);
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
