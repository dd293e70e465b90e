import { EventEmitter } from 'node:events';
import {
  type GrpcAnswer,
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

export class FakeSession extends EventEmitter {
  destroyed = false;
  isClosed = false;
  close(): void {
    this.isClosed = true;
    this.destroyed = true;
  }
}

/** A server of HTTP/2 that accepts no connections. */
export class FakeHttp2Server extends EventEmitter {
  opens(): FakeSession {
    const session = new FakeSession();
    this.emit('session', session);
    return session;
  }

  streams(): EventEmitter {
    const stream = new EventEmitter();
    this.emit('stream', stream);
    return stream;
  }
}

export class FakeGrpc implements GrpcServer {
  readonly did: string[] = [];
  readonly http2 = new FakeHttp2Server();
  readonly boundPorts = new Map<string, unknown>([['dns:0.0.0.0:5000', {}]]);
  readonly http2Servers = new Map([[this.http2, { sessions: new Set<FakeSession>() }]]);
  private readonly handlers = new Map<string, GrpcHandler>();

  register(path: string, handler: GrpcHandler): boolean {
    this.handlers.set(path, handler);
    return true;
  }

  calls(path: string, call: FakeCall, answer?: GrpcAnswer): unknown {
    return this.handlers.get(path)!.call(undefined, call, answer);
  }

  drain(address: string, graceMs: number): void {
    this.did.push(`drain ${address} ${graceMs}`);
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
