import { beforeEach, describe, expect, it } from '@jest/globals';
import { natsTransport } from '../../../../../src/drainables/microservices/nats/nats-transport.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { settle } from '../../../../support/fake-clock.js';

/** A subscription, as both clients of NATS have it. */
class FakeSubscription {
  done = false;
  confirm?: () => void;

  isClosed(): boolean {
    return this.done;
  }

  drain(): Promise<void> {
    return new Promise((resolve) => (this.confirm = resolve));
  }
}

class FakeClient {
  closed = false;
  flushes = 0;
  flushed: () => Promise<void> = () => Promise.resolve();

  isClosed(): boolean {
    return this.closed;
  }

  flush(): Promise<void> {
    this.flushes++;
    return this.flushed();
  }
}

/** What `ServerNats` has. */
class FakeServer {
  readonly transportId = 2;
  natsClient: FakeClient | null = new FakeClient();
  readonly subscriptions = [new FakeSubscription(), new FakeSubscription()];
  readonly listeners: (() => void)[] = [];

  constructor(public options: { readonly gracefulShutdown?: boolean; readonly queue?: string } = {}) {}

  on(event: string, listener: () => void): void {
    if (event === 'disconnect') this.listeners.push(listener);
  }
}

describe('The transport of NATS', () => {
  let server: FakeServer;
  let transport: Transport;
  const deadline = new AbortController().signal;

  beforeEach(() => {
    server = new FakeServer();
    transport = natsTransport(server)!;
  });

  it('is recognised by its number', () => {
    expect(transport.name).toBe('NATS');
    expect(natsTransport({ transportId: 1 })).toBeUndefined();
  });

  it('takes no further messages when the server has confirmed the end of every subscription', async () => {
    let stopped = false;
    void transport.stopTaking(deadline).then(() => (stopped = true));
    server.subscriptions[0]!.confirm!();
    await settle();
    expect(stopped).toBe(false);
    server.subscriptions[1]!.confirm!();
    await settle();
    expect(stopped).toBe(true);
  });

  it('leaves alone what has ended: subscriptions, the client, and a server that never listened', async () => {
    server.subscriptions.forEach((each) => (each.done = true));
    await transport.stopTaking(deadline);
    server.natsClient!.closed = true;
    await transport.stopTaking(deadline);
    server.natsClient = null;
    await transport.stopTaking(deadline);
    await transport.flush!(deadline);
    expect(server.subscriptions.map(({ confirm }) => confirm)).toEqual([undefined, undefined]);
  });

  it('does not ask a client that has been closed to end its subscriptions', async () => {
    server.natsClient!.closed = true;
    await transport.stopTaking(deadline);
    expect(server.subscriptions.map(({ confirm }) => confirm)).toEqual([undefined, undefined]);
  });

  it('has replies read by the server', async () => {
    await transport.flush!(deadline);
    expect(server.natsClient!.flushes).toBe(1);
  });

  it.each([
    [
      'is lost in the flush',
      (fake: FakeServer) => (fake.natsClient!.flushed = () => Promise.reject(new Error('gone'))),
    ],
    ['was lost and came back', (fake: FakeServer) => fake.listeners.forEach((listener) => listener())],
    ['was given up', (fake: FakeServer) => (fake.natsClient!.closed = true)],
  ])('says that replies may be lost when the connection %s', async (_, lose) => {
    server.subscriptions.forEach((each) => (each.done = true));
    await transport.stopTaking(deadline);
    lose(server);
    await expect(transport.flush!(deadline)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
  });

  it('closes without the grace period of Nest, and says so at bootstrap', async () => {
    expect(transport.warnings).toEqual([]);
    server.options = { gracefulShutdown: true, queue: 'orders' };
    expect(transport.warnings).toEqual([expect.stringContaining('gracefulShutdown')]);
    let seen: unknown;
    await transport.disconnect!(() => (seen = server.options), false);
    expect(seen).toEqual({ gracefulShutdown: false, queue: 'orders' });
  });
});
