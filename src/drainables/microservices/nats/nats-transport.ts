import { connectionLost } from '../shared/connection-lost.js';
import { type Transport, type TransportServer } from '../shared/transport.js';

/** Nest's number for NATS, `Transport.NATS`. */
const natsId = 2;

/** What a subscription has in `nats` 2 and in `@nats-io/transport-node` 3. */
interface NatsSubscription {
  isClosed(): boolean;
  /**
   * Resolves when what the server had sent before it heard of it has been given to the callback. It does so, too, when
   * the connection is lost; the client subscribes to nothing again then.
   */
  drain(): Promise<void>;
}

interface NatsClient {
  isClosed(): boolean;
  /** Resolves when the server has read everything that was published. Rejects when the connection is lost. */
  flush(): Promise<void>;
}

/** `ServerNats` of Nest 11.0 to 12, with what it keeps to itself. */
interface NatsServer extends TransportServer {
  options?: { readonly gracefulShutdown?: boolean };
  /** Missing before it listens. */
  readonly natsClient?: NatsClient | null;
  readonly subscriptions?: readonly NatsSubscription[];
  on?(event: string, listener: () => void): unknown;
}

/** NATS: the server gives what comes next to the others of the queue group, as soon as the subscriptions have ended. */
export function natsTransport(server: TransportServer): Transport | undefined {
  return server.transportId === natsId ? new NatsTransport(server) : undefined;
}

class NatsTransport implements Transport {
  readonly name = 'NATS';
  /** Replies may have been among what the client had not sent: it forgets that when it connects again. */
  private wasLost = false;

  constructor(private readonly server: NatsServer) {}

  get warnings(): readonly string[] {
    if (!this.server.options?.gracefulShutdown) return [];
    return [
      'NATS: expected the option gracefulShutdown to be off, got true. Its grace period is not waited for: the drain ' +
        'ends the subscriptions, waits for messages, and sends their replies. Remove gracefulShutdown and gracePeriod.',
    ];
  }

  async stopTaking(): Promise<void> {
    const { server } = this;
    if (!server.natsClient || server.natsClient.isClosed()) return;
    server.on?.('disconnect', () => (this.wasLost = true));
    const open = (server.subscriptions ?? []).filter((each) => !each.isClosed());
    await Promise.all(open.map((each) => each.drain()));
  }

  async flush(): Promise<void> {
    const { natsClient } = this.server;
    if (!natsClient) return;
    try {
      await natsClient.flush();
    } catch {
      this.wasLost = true;
    }
    if (this.wasLost || natsClient.isClosed()) throw connectionLost(this.name);
  }

  /** Nest would wait out its grace period first, for messages that have ended by now. */
  async disconnect(close: () => unknown): Promise<void> {
    const { server } = this;
    if (server.options?.gracefulShutdown) server.options = { ...server.options, gracefulShutdown: false };
    await close();
  }
}
