import { EventEmitter } from 'node:events';
import { Server } from 'node:net';
import {
  type GrpcAnswer,
  type GrpcBound,
  type GrpcCall,
  type GrpcHandler,
  type GrpcServer,
} from '../../../../../src/drainables/microservices/grpc/grpc-js.js';
import {
  type MessageCallback,
  type TransportReadiness,
  type TransportServer,
} from '../../../../../src/drainables/microservices/shared/transport.js';

export class FakeMetadata {
  readonly fields: Record<string, string> = {};
  set(name: string, value: string): void {
    this.fields[name] = value;
  }
}

/** A call, whose stream of answers is what was written. */
export class FakeCall extends EventEmitter implements GrpcCall {
  readonly metadata = new FakeMetadata();
  readonly written: unknown[] = [];
  writableEnded = false;
  cancelled = false;

  write(message: unknown): boolean {
    this.written.push(message);
    return true;
  }

  /** The status has been sent, or the client has gone: grpc-js tells of both in one way. */
  isOver(): void {
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
  }
}

/** A session over TLS, where telling takes no time. */
export class FakeSession extends EventEmitter {
  readonly socket = Object.assign(new EventEmitter(), {
    encrypted: true,
    destroyed: false,
    destroy: () => void (this.socket.destroyed = true),
  });
  closed = false;
  destroyed = false;
  goaway(): void {
    this.emit('goaway');
  }
  close(): void {
    this.closed = true;
  }
  /** Everything has been written. */
  destroy(): void {
    this.destroyed = true;
  }
}

/**
 * A server of HTTP/2: a connection that is accepted becomes a session in the same turn. It listens until it emits
 * `close`.
 */
export class FakeHttp2Server extends Server {
  readonly sessions: FakeSession[] = [];
  private opening?: FakeSession;

  /** @param accepted what a server emits when a connection can be talked on */
  constructor(readonly accepted: 'connection' | 'secureConnection' = 'connection') {
    super();
    Object.defineProperty(this, 'listening', { value: true, writable: true });
    this.once('close', () => Object.assign(this, { listening: false }));
    if (accepted === 'secureConnection') Object.assign(this, { setSecureContext: () => undefined });
    this.on(accepted, () => {
      const { opening } = this;
      this.opening = undefined;
      if (opening) this.emit('session', opening);
    });
  }

  /** Its client has said its first word. */
  opens(): FakeSession {
    const session = this.opensInSilence();
    session.emit('remoteSettings');
    return session;
  }

  opensInSilence(): FakeSession {
    const session = new FakeSession();
    this.sessions.push(session);
    this.opening = session;
    this.emit(this.accepted, session.socket);
    return session;
  }

  streams(session?: FakeSession): EventEmitter {
    const stream = Object.assign(new EventEmitter(), { session });
    this.emit('stream', stream);
    return stream;
  }
}

export class FakeGrpc implements GrpcServer {
  readonly did: string[] = [];
  readonly http2Servers: Map<FakeHttp2Server, { sessions: Set<FakeSession> }>;
  private readonly handlers = new Map<string, GrpcHandler>();

  constructor(readonly http2 = new FakeHttp2Server()) {
    this.http2Servers = new Map([[http2, { sessions: new Set<FakeSession>() }]]);
  }

  register(path: string, handler: GrpcHandler): boolean {
    this.handlers.set(path, handler);
    return true;
  }

  bindAsync(_address: string, _credentials: unknown, bound: GrpcBound): void {
    this.http2Servers.set(new FakeHttp2Server(), { sessions: new Set() });
    bound(null, 50_051);
  }

  calls(path: string, call: FakeCall, answer?: GrpcAnswer): unknown {
    return this.handlers.get(path)!.call(undefined, call, answer);
  }

  closeSessions(): void {
    for (const session of this.http2.sessions) session.emit('close');
  }

  /** Everything has been closed. */
  hasShutDown: () => void = () => undefined;

  tryShutdown(callback: () => void): void {
    this.did.push('tryShutdown');
    this.hasShutDown = callback;
  }

  forceShutdown(): void {
    this.did.push('forceShutdown');
  }
}

/** Nest's, as far as it calls what stands between it and grpc-js. */
export class FakeNestServer implements TransportServer {
  readonly transportId = 4;
  readonly handlers = new Map<unknown, MessageCallback>();
  constructor(readonly grpc: FakeGrpc) {}

  addHandler(pattern: unknown, callback: MessageCallback): void {
    this.handlers.set(pattern, callback);
  }

  createClient(): Promise<FakeGrpc> {
    return Promise.resolve(this.grpc);
  }
}

export class FakeReadiness implements TransportReadiness {
  asked = 0;
  private ready = true;
  private readonly watchers: (() => void)[] = [];

  isReady(): boolean {
    return this.ready;
  }

  probe(): boolean {
    this.asked++;
    return this.ready;
  }

  watch(look: () => void): void {
    this.watchers.push(look);
  }

  becomes(ready: boolean): void {
    this.ready = ready;
    for (const look of this.watchers) look();
  }
}
