import { type Leftover } from '../../../sequence/drainable.js';
import { overlay } from '../../shared/overlay.js';
import { nextPoll } from '../../../sequence/clock.js';
import { type MessageGate } from '../shared/message-gate.js';
import { type MessageWork } from '../shared/message-work.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';
import { GrpcCalls } from './grpc-calls.js';
import { GrpcHealth } from './grpc-health.js';
import { type GrpcNestServer, type GrpcServer, http2ServersOf } from './grpc-js.js';
import { GrpcSessions } from './grpc-sessions.js';

/** Nest's number for gRPC, `Transport.GRPC`. */
const grpcId = 4;

/** gRPC: clients come to the address of this process, and are told to leave by GOAWAY. */
export function grpcTransport(server: TransportServer, context: TransportContext): Transport | undefined {
  return server.transportId === grpcId ? new GrpcTransport(server, context) : undefined;
}

/**
 * In the lame duck clients get GOAWAY, and again when they have come back, with the listener open and everything
 * served. As draining begins the listener closes, and all that are left get it; then grpc-js closes (`tryShutdown()`):
 * calls in progress go on, and no further one can begin.
 *
 * `ServerGrpc` of Nest makes a server of grpc-js in `createClient()` (5 to 12), adds services to it, and only then
 * takes calls. Its accessors `status`, `on()` and `unwrap()` throw, and are left alone.
 */
class GrpcTransport implements Transport {
  readonly name = 'gRPC';
  private readonly health: GrpcHealth;
  private readonly sessions: GrpcSessions;
  private grpc?: GrpcServer;
  private closed?: Promise<void>;

  constructor(
    private readonly server: GrpcNestServer,
    private readonly context: TransportContext,
  ) {
    this.health = new GrpcHealth(context.readiness);
    this.sessions = new GrpcSessions(context.clock);
  }

  count(work: MessageWork, gate: MessageGate): void {
    const { server } = this;
    const calls = new GrpcCalls(work, gate);
    calls.followHandlers(server);
    overlay<() => unknown>(server, 'createClient', (original) => async () => {
      const grpc = (await original.call(server)) as GrpcServer;
      this.meet(grpc, calls);
      return grpc;
    });
  }

  /** In a lame duck that takes no time nobody is told: who comes back would find the listener still open. */
  announce(spreadMs: number): void {
    const { grpc, sessions } = this;
    if (!grpc || spreadMs === 0) return;
    sessions.meet(http2ServersOf(grpc));
    sessions.leave();
  }

  async stopTaking(deadline: AbortSignal): Promise<void> {
    const { grpc, sessions } = this;
    if (!grpc) return;
    sessions.meet(http2ServersOf(grpc));
    await sessions.told(deadline);
    sessions.destroySilent();
    this.closed = new Promise((resolve) => grpc.tryShutdown(() => resolve()));
  }

  async flush(deadline: AbortSignal): Promise<void> {
    this.health.endWatches();
    // What grpc-js waits for includes TLS handshakes, which may never end.
    if (this.sessions.areSeen) await this.sessions.flushed(deadline);
    else await this.closed;
  }

  async cut(): Promise<readonly Leftover[]> {
    this.forceShutdown();
    // What it has said to its clients goes out with the next turn.
    await nextPoll();
    this.sessions.destroy();
    return [];
  }

  /**
   * With `gracefulShutdown` Nest would wait for what the drain has not waited for any longer; and for ever for a session
   * that is destroyed and has not said so, for grpc-js closes it, and Node then calls nobody back.
   */
  async disconnect(close: () => unknown): Promise<unknown> {
    this.forceShutdown();
    this.sessions.destroy();
    await this.sessions.gone();
    return close();
  }

  private forceShutdown(): void {
    this.sessions.destroySilent();
    this.grpc?.forceShutdown();
  }

  private meet(grpc: GrpcServer, calls: GrpcCalls): void {
    this.grpc = grpc;
    this.sessions.meet(http2ServersOf(grpc));
    // The application may bind ports of its own.
    overlay<GrpcServer['bindAsync']>(
      grpc,
      'bindAsync',
      (original) => (address, credentials, bound) =>
        original.call(grpc, address, credentials, (...result) => {
          this.sessions.meet(http2ServersOf(grpc));
          bound(...result);
        }),
    );
    overlay<GrpcServer['register']>(grpc, 'register', (original) => (path, handler, ...rest) => {
      const standIn = this.health.standInFor(path, handler) ?? calls.counted(path, handler);
      return original.call(grpc, path, standIn, ...rest);
    });
  }
}
