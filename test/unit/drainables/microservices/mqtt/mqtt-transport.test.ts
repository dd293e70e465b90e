import { beforeEach, describe, expect, it } from '@jest/globals';
import { mqttTransport } from '../../../../../src/drainables/microservices/mqtt/mqtt-transport.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';
import { FakeMqttClient } from './fake-client.js';
import { contextWith } from '../transport-context.js';

/** What `ServerMqtt` has. */
class FakeServer {
  readonly transportId = 3;
  readonly options: { readonly subscribeOptions: { readonly qos: number } };
  mqttClient?: FakeMqttClient;
  readonly messageHandlers = new Map<string, { isEventHandler: boolean; extras?: { qos?: number } }>();

  constructor(clean = true, qos = 1) {
    this.mqttClient = new FakeMqttClient(clean);
    this.options = { subscribeOptions: { qos } };
  }

  getRequestPattern(pattern: string): string {
    return pattern;
  }

  listen(called: (error?: Error) => void): void {
    if (this.mqttClient!.connected) called();
  }
}

describe('The transport of MQTT', () => {
  let clock: FakeClock;
  let server: FakeServer;
  let client: FakeMqttClient;
  let transport: Transport;
  let deadline: AbortController;

  const isCalled = () => undefined;

  function set(fake: FakeServer, ...topics: readonly string[]): void {
    server = fake;
    client = fake.mqttClient!;
    for (const topic of topics) server.messageHandlers.set(topic, { isEventHandler: topic.endsWith('paid') });
    transport = mqttTransport(server, contextWith({ clock, isDraining: () => true }))!;
    server.listen(isCalled);
  }

  beforeEach(() => {
    clock = new FakeClock();
    deadline = new AbortController();
    set(new FakeServer(), '$share/group/orders/create', 'orders/paid');
  });

  async function answerPings(): Promise<void> {
    await client.receive('pingresp');
    await client.receive('pingresp');
  }

  it('is recognised by its number', () => {
    expect(transport.name).toBe('MQTT');
    expect(mqttTransport({ transportId: 1 }, contextWith({ clock, isDraining: () => true }))).toBeUndefined();
  });

  it('takes no further messages when the broker has confirmed the end of the subscriptions', async () => {
    let stopped = false;
    void transport.stopTaking(deadline.signal).then(() => (stopped = true));
    await settle();
    expect(client.ended).toEqual(['$share/group/orders/create', 'orders/paid']);
    expect(stopped).toBe(false);
    client.confirmEnd!();
    await settle();
    expect(stopped).toBe(true);
    expect((await client.receive('publish')).cmd).toBe('publish');
  });

  it('does not wait for a confirmation over a connection that is lost, nor subscribes again', async () => {
    const stopped = transport.stopTaking(deadline.signal);
    client.emit('close');
    await stopped;
    expect(client.options.resubscribe).toBe(false);
    const failed = expect(transport.flush!(deadline.signal)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
    await answerPings();
    await failed;
  });

  it('ends at once where it has never reached its broker, and subscribes no more', async () => {
    const unreached = new FakeServer();
    unreached.mqttClient!.connected = false;
    set(unreached, 'orders/paid');
    client.queue.push({ packet: { cmd: 'subscribe' } });
    await transport.stopTaking(deadline.signal);
    expect(client.ends).toEqual([true]);
    await transport.flush!(deadline.signal);
  });

  it('does not wait for a subscription that it could not send', async () => {
    client.connected = false;
    client.queue.push({ packet: { cmd: 'subscribe' } });
    await expect(transport.flush!(deadline.signal)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
  });

  it('leaves the messages of a session that stays with the broker: neither handled nor acknowledged', async () => {
    set(new FakeServer(false), 'orders/create', 'orders/paid');
    await transport.stopTaking(deadline.signal);
    expect(client.ended).toEqual([]);
    expect((await client.receive('publish')).cmd).toBe('kept');
    expect((await client.receive('pubrel')).cmd).toBe('pubrel');
  });

  it('unsubscribes in a session that stays from what nobody keeps, or others have', async () => {
    set(new FakeServer(false, 0), '$share/group/orders/create', 'orders/paid', 'orders/cancel');
    server.messageHandlers.get('$share/group/orders/create')!.extras = { qos: 1 };
    server.messageHandlers.get('orders/cancel')!.extras = { qos: 1 };
    const stopped = transport.stopTaking(deadline.signal);
    expect(client.ended).toEqual(['$share/group/orders/create', 'orders/paid']);
    expect((await client.receive('publish')).cmd).toBe('publish');
    client.confirmEnd!();
    await stopped;
    expect((await client.receive('publish')).cmd).toBe('kept');
  });

  it('has everything read by the broker, and ends the connection by a farewell', async () => {
    const flushed = transport.flush!(deadline.signal);
    await answerPings();
    await flushed;
    let closed = 0;
    await transport.disconnect!(() => closed++, false);
    expect(client.ends).toEqual([false]);
    expect(closed).toBe(1);
    expect(client.destroyed).toBe(false);
  });

  it('waits in vain for a broker that is down only while something has yet to be sent', async () => {
    client.connected = false;
    await transport.stopTaking(deadline.signal);
    expect(client.ended).toEqual([]);
    await expect(transport.flush!(deadline.signal)).rejects.toMatchObject({ code: 'DRAIN_CONNECTION_LOST' });
    client.queue.push({ packet: { cmd: 'publish' } });
    let flushed = false;
    void transport.flush!(deadline.signal).then(
      () => undefined,
      () => (flushed = true),
    );
    await settle();
    expect(flushed).toBe(false);
  });

  it('ends the connection at once where nothing was confirmed', async () => {
    const flushed = transport.flush!(deadline.signal);
    deadline.abort();
    await flushed;
    await transport.disconnect!(() => undefined, true);
    expect(client.ends).toEqual([true]);
  });

  it.each([
    ['after half a second', 500, false],
    ['sooner when the drain was cut', 100, true],
  ])('cuts the connection when the broker does not end it, %s', async (_, ms, wasCut) => {
    client.endsAtOnce = false;
    let isClosed = false;
    void (transport.disconnect!(() => undefined, wasCut) as Promise<unknown>).then(() => (isClosed = true));
    await clock.advance(ms - 1);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
    expect(client.destroyed).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('has nothing to stop where it never listened', async () => {
    server.mqttClient = undefined;
    await transport.stopTaking(deadline.signal);
    await transport.flush!(deadline.signal);
    await transport.disconnect!(() => undefined, false);
  });

  it('warns of calls over subscriptions that are not shared, and not of events', () => {
    expect(transport.warnings).toEqual([]);
    for (const topic of ['a', 'b', 'c', 'd', 'e']) server.messageHandlers.set(topic, { isEventHandler: false });
    expect(transport.warnings).toEqual([expect.stringContaining("'a', 'b', 'c' and 2 more")]);
  });
});
