import { type Clock, whenAborted } from '../../../sequence/clock.js';
import { closeWithin } from '../shared/close-within.js';
import { connectionLost } from '../shared/connection-lost.js';
import { watchFirstConnection } from '../shared/first-connection.js';
import { named, type SubscribingServer, topicsOf } from '../shared/patterns.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';

/** Nest's number for Redis, `Transport.REDIS`. */
const redisId = 1;

/** What a client of `ioredis` 5 has. */
interface RedisClient {
  readonly status: string;
  readonly options: { autoResubscribe?: boolean };
  /** Both resolve when Redis has confirmed it: nothing arrives on these channels any longer. */
  unsubscribe(...channels: readonly string[]): Promise<unknown>;
  punsubscribe(...channels: readonly string[]): Promise<unknown>;
  /** Rejects when the connection has ended, and stays pending where Redis does not answer. */
  quit(): Promise<unknown>;
  /** Ends the connection at once, and connects no more. Harmless when it has ended. */
  disconnect(): void;
  once(event: string, listener: () => void): unknown;
}

/** `ServerRedis` of Nest 11.0 to 12, with what it keeps to itself. */
interface RedisServer extends SubscribingServer {
  readonly options?: { readonly wildcards?: boolean };
  /** Missing before it listens. */
  readonly subClient?: RedisClient;
  readonly pubClient?: RedisClient;
}

/**
 * Redis publish/subscribe: every subscriber has every message, so nobody takes over, and what is published when nobody
 * subscribes is gone. What had been delivered is finished.
 */
export function redisTransport(server: TransportServer, { clock }: TransportContext): Transport | undefined {
  return server.transportId === redisId ? new RedisTransport(server, clock) : undefined;
}

class RedisTransport implements Transport {
  readonly name = 'Redis';
  /** Aborted when the connection has been lost since draining began, or was not there. */
  private readonly lost = new AbortController();
  private readonly wasReached: () => boolean;

  constructor(
    private readonly server: RedisServer,
    private readonly clock: Clock,
  ) {
    this.wasReached = watchFirstConnection(server);
  }

  get warnings(): readonly string[] {
    const calls = topicsOf(this.server).flatMap(([channel, { isEventHandler }]) => (isEventHandler ? [] : [channel]));
    if (calls.length === 0) return [];
    return [
      `Redis: expected a single replica for the message patterns ${named(calls)}, for Redis gives a call to every ` +
        'subscriber: each replica executes it, also while one replaces another. Use a transport with queues, or make ' +
        'it harmless to execute them twice.',
    ];
  }

  async stopTaking(): Promise<void> {
    const { server } = this;
    const { subClient } = server;
    for (const client of this.clients) client.once('close', this.connectionWasLost);
    if (!subClient) return;
    // Otherwise it subscribes anew when it connects anew.
    subClient.options.autoResubscribe = false;
    const channels = topicsOf(server).map(([channel]) => channel);
    if (subClient.status !== 'ready' || channels.length === 0) return;
    const ended = server.options?.wildcards ? subClient.punsubscribe(...channels) : subClient.unsubscribe(...channels);
    // With the connection the subscriptions are gone as well.
    await Promise.race([ended, whenAborted(this.lost.signal)]).catch(this.connectionWasLost);
  }

  /** A reply has been confirmed by Redis before its message ends: nothing is left but to tell of a loss. */
  flush(): Promise<void> {
    const isLost = this.lost.signal.aborted || this.clients.some(({ status }) => status !== 'ready');
    return isLost && this.wasReached() ? Promise.reject(connectionLost(this.name)) : Promise.resolve();
  }

  /** Up to 11.0.x Nest does not wait until the clients have quit, and no version bears with one that cannot. */
  async disconnect(close: () => unknown, wasCut: boolean): Promise<void> {
    const quits = this.clients.map((client) => quitOnce(client, this.clock, wasCut));
    const closing = close();
    // Nest asks one after the other.
    await Promise.all([closing, ...quits.map((quit) => quit())]);
  }

  private get clients(): readonly RedisClient[] {
    const { pubClient, subClient } = this.server;
    return [pubClient, subClient].filter((client) => client !== undefined);
  }

  private readonly connectionWasLost = (): void => this.lost.abort();
}

/** Makes `quit()` of a client harmless: it ends the connection, in any case, and however often it is called. */
function quitOnce(client: RedisClient, clock: Clock, wasCut: boolean): () => Promise<unknown> {
  const quit = client.quit.bind(client);
  const disconnect = () => client.disconnect();
  const end = async () => {
    if (client.status === 'ready') await closeWithin(clock, wasCut, () => quit().catch(disconnect), disconnect);
    else disconnect();
  };
  let ended: Promise<void> | undefined;
  return (client.quit = () => (ended ??= end()));
}
