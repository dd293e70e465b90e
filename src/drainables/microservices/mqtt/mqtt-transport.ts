import { type Clock, whenAborted } from '../../../sequence/clock.js';
import { closeWithin } from '../shared/close-within.js';
import { connectionLost } from '../shared/connection-lost.js';
import { watchFirstConnection } from '../shared/first-connection.js';
import { type BoundHandler, named, type SubscribingServer, topicsOf } from '../shared/patterns.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';
import { confirmed, type MqttClient, type MqttPacket } from './mqtt-client.js';

/** Nest's number for MQTT, `Transport.MQTT`. */
const mqttId = 3;

/** `ServerMqtt` of Nest 11.0 to 12, with what it keeps to itself. */
interface MqttServer extends SubscribingServer {
  readonly options?: { readonly subscribeOptions?: { readonly qos?: number } };
  /** Missing before it listens. */
  readonly mqttClient?: MqttClient;
}

/**
 * MQTT: over a shared subscription, `$share/group/topic`, the broker gives what comes next to the others of the group,
 * as soon as this one has unsubscribed. Other subscriptions have no one to take over.
 *
 * A session that stays (`clean: false`) is never unsubscribed from: the broker keeps for it what it cannot deliver.
 * While draining nothing is acknowledged that arrives, and it is delivered again to whoever resumes the session.
 */
export function mqttTransport(server: TransportServer, { clock }: TransportContext): Transport | undefined {
  return server.transportId === mqttId ? new MqttTransport(server, clock) : undefined;
}

class MqttTransport implements Transport {
  readonly name = 'MQTT';
  /** Aborted when the connection has been lost since draining began, or was not there. */
  private readonly lost = new AbortController();
  private isConfirmed = false;
  private readonly wasReached: () => boolean;

  constructor(
    private readonly server: MqttServer,
    private readonly clock: Clock,
  ) {
    this.wasReached = watchFirstConnection(server);
  }

  get warnings(): readonly string[] {
    const plain = topicsOf(this.server).flatMap(([topic, { isEventHandler }]) =>
      isEventHandler || isShared(topic) ? [] : [topic],
    );
    if (plain.length === 0) return [];
    return [
      `MQTT: expected shared subscriptions ($share/<group>/<topic>) for message patterns, got ${named(plain)}: each ` +
        'replica executes every call, also while one replaces another. Share them, or run a single replica.',
    ];
  }

  async stopTaking(): Promise<void> {
    const { mqttClient: client } = this.server;
    if (!client) return;
    // Otherwise it subscribes when it reaches its broker after all.
    if (!client.connected && !this.wasReached()) return void client.end(true, {}, () => undefined);
    client.once('close', this.connectionWasLost);
    // Otherwise it subscribes anew when it connects anew.
    client.options.resubscribe = false;
    const topics = topicsOf(this.server);
    const ending = topics.filter(([topic, handler]) => !this.isKept(topic, handler)).map(([topic]) => topic);
    if (ending.length > 0 && client.connected) await this.unsubscribed(client, ending);
    if (ending.length < topics.length) client.on('packetreceive', keepWithBroker);
  }

  async flush(deadline: AbortSignal): Promise<void> {
    const { mqttClient: client } = this.server;
    if (!client || !(client.connected || this.wasReached())) return;
    const isUnsent =
      client.queue.some(({ packet }) => packet.cmd === 'publish') || Object.keys(client.outgoing).length > 0;
    if (client.connected || isUnsent) await confirmed(client, deadline);
    else this.lost.abort();
    this.isConfirmed = !this.lost.signal.aborted && !deadline.aborted;
    if (this.lost.signal.aborted) throw connectionLost(this.name);
  }

  /** Nest does not wait for the end of the connection, and a broker that does not answer would not let it end. */
  async disconnect(close: () => unknown, wasCut: boolean): Promise<unknown> {
    const { mqttClient: client } = this.server;
    if (client) {
      const ended = () => new Promise<void>((resolve) => client.end(!this.isConfirmed, {}, () => resolve()));
      await closeWithin(this.clock, wasCut, ended, () => client.stream?.destroy());
    }
    return close();
  }

  /** With the connection its subscriptions are gone as well: of a session that stays, the shared ones have others. */
  private unsubscribed(client: MqttClient, topics: readonly string[]): Promise<void> {
    const ended = new Promise<void>((resolve) => client.unsubscribe([...topics], () => resolve()));
    return Promise.race([ended, whenAborted(this.lost.signal)]);
  }

  /** Reports whether the session of a client that is away keeps the messages of a subscription for it. */
  private isKept(topic: string, { extras }: BoundHandler): boolean {
    const { mqttClient, options } = this.server;
    const qos = extras?.qos ?? options?.subscribeOptions?.qos ?? 0;
    return mqttClient?.options.clean === false && qos > 0 && !isShared(topic);
  }

  private readonly connectionWasLost = (): void => this.lost.abort();
}

function isShared(topic: string): boolean {
  return topic.startsWith('$share/');
}

/**
 * Neither handles nor acknowledges a message: the client ignores packets that it does not know. The end of a handshake
 * of QoS 2 goes through, for the broker has handed that message over.
 */
function keepWithBroker(packet: MqttPacket): void {
  if (packet.cmd === 'publish') packet.cmd = 'kept';
}
