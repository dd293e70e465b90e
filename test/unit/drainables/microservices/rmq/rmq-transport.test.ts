import { beforeEach, describe, expect, it } from '@jest/globals';
import { rmqTransport } from '../../../../../src/drainables/microservices/rmq/rmq-transport.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { Transports } from '../../../../../src/drainables/microservices/transports.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { type Drainable } from '../../../../../src/sequence/drainable.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';
import { FakeChannel, FakeRmqServer } from './fake-rmq.js';
import { contextWith } from '../transport-context.js';

let clock: FakeClock;
let server: FakeRmqServer;
let transport: Transport;
let channel: FakeChannel;
let deadline: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  deadline = new AbortController();
});

async function start(noAck: boolean): Promise<void> {
  server = new FakeRmqServer(noAck);
  transport = rmqTransport(server, contextWith({ clock }))!;
  channel = await connect();
}

/** There is a connection, the first or a further one. */
async function connect(): Promise<FakeChannel> {
  const connected = new FakeChannel();
  await server.setupChannel(connected);
  await clock.advance(0);
  return connected;
}

/** Tells later whether it has settled. */
function watch(promise: Promise<unknown>): { isSettled: boolean; error?: unknown } {
  const watched: { isSettled: boolean; error?: unknown } = { isSettled: false };
  promise.then(
    () => (watched.isSettled = true),
    (error: unknown) => Object.assign(watched, { isSettled: true, error }),
  );
  return watched;
}

const flush = () => watch(transport.flush!(deadline.signal));

it('Another transport is none of its own', () => {
  const context = contextWith({ clock });
  expect(rmqTransport({ transportId: 0 }, context)).toBeUndefined();
});

describe.each([true, false])('RabbitMQ with noAck: %s', (noAck) => {
  beforeEach(() => start(noAck));

  it('cancels its consumer, once', async () => {
    await transport.stopTaking(deadline.signal);
    expect(channel.written).toEqual(['consume orders', 'cancel tag-1']);
  });

  it('has stopped when the broker says so', async () => {
    channel.isAnswering = false;
    const stopping = watch(transport.stopTaking(deadline.signal));
    await clock.advance(0);
    expect(stopping.isSettled).toBe(false);
    channel.answer();
    await clock.advance(0);
    expect(stopping).toEqual({ isSettled: true });
  });

  it('declares and consumes nothing on a connection that is made while draining', async () => {
    await transport.stopTaking(deadline.signal);
    channel.close();
    let isSetUp = false;
    const second = new FakeChannel();
    await (server as Required<Pick<FakeRmqServer, 'setupChannel'>>).setupChannel(second, () => (isSetUp = true));
    expect(second.written).toEqual([]);
    // A queue of no name would be another one, bound to its exchange, and nobody would consume it.
    expect(server.declared).toBe(1);
    expect(isSetUp).toBe(true);
  });

  it('does not begin to consume where it was about to as draining began', async () => {
    let assert: (value?: unknown) => void = () => undefined;
    server.asserted = new Promise((resolve) => (assert = resolve));
    const second = new FakeChannel();
    const setUp = server.setupChannel(second);
    await transport.stopTaking(deadline.signal);
    assert();
    await setUp;
    expect(second.written).toEqual([]);
  });

  it('consumes anew on a connection that is made before', async () => {
    channel.close();
    const second = await connect();
    await transport.stopTaking(deadline.signal);
    expect(second.written).toEqual(['consume orders', 'cancel tag-1']);
  });

  it('leaves consumers alone that a handler has added', async () => {
    await channel.consume('replies', () => undefined);
    await transport.stopTaking(deadline.signal);
    expect(channel.written).toEqual(['consume orders', 'consume replies', 'cancel tag-1']);
  });

  it('has stopped when the connection is lost', async () => {
    channel.isAnswering = false;
    const stopping = watch(transport.stopTaking(deadline.signal));
    await clock.advance(0);
    channel.close();
    await clock.advance(0);
    expect(stopping).toEqual({ isSettled: true });
  });

  it('says when its consumer cannot be cancelled', async () => {
    channel.cancel = () => Promise.reject(new Error('no'));
    await expect(transport.stopTaking(deadline.signal)).rejects.toThrow('no');
  });

  it('waits for what Nest has been given and not called a handler with', async () => {
    const drainables: Drainable[] = [];
    const around = { ...contextWith({ clock }), tracker: new InFlightTracker(clock), refused: () => undefined };
    server = new FakeRmqServer(noAck);
    new Transports(around, (each) => drainables.push(each)).attach(server, () => false);
    channel = await connect();
    const delivery = channel.deliver();
    if (!noAck) channel.ack(delivery);
    const drained = watch(drainables[0]!.drain(deadline.signal));
    for (let turn = 0; turn < 3; turn++) await settle();
    expect(drained.isSettled).toBe(false);
    server.ends[0]!();
    for (let turn = 0; turn < 3; turn++) await settle();
    expect(drained).toEqual({ isSettled: true });
  });

  it('waits until the broker has confirmed replies', async () => {
    void server.channel.sendToQueue();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    await clock.advance(0);
    expect(flushing.isSettled).toBe(false);
    server.confirms[0]!.resolve(true);
    await clock.advance(0);
    expect(flushing).toEqual({ isSettled: true });
    expect(transport.leftovers!()).toEqual([]);
  });

  it('waits until the broker has taken in what was written', async () => {
    await transport.stopTaking(deadline.signal);
    channel.isAnswering = false;
    const flushing = flush();
    await clock.advance(0);
    expect(channel.written.slice(2)).toEqual(['wait for confirms']);
    channel.answer();
    await clock.advance(0);
    expect(channel.written.slice(2)).toEqual(['wait for confirms', 'cancel tag-1']);
    expect(flushing.isSettled).toBe(true);
  });

  it('names replies that were not confirmed by the deadline; what comes of them is nobody’s', async () => {
    const sent = server.channel.sendToQueue();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    deadline.abort();
    await clock.advance(0);
    expect(await transport.cut!()).toEqual([
      { kind: 'transport', name: 'RabbitMQ (orders)', ageMs: 0, detail: '1 reply not confirmed by the broker' },
    ]);
    server.confirms[0]!.reject(new Error('Channel closed'));
    await expect(sent).rejects.toThrow('Channel closed');
    expect(flushing.isSettled).toBe(true);
    expect(transport.leftovers!()).toEqual([]);
  });

  it('closes as Nest does', async () => {
    await transport.disconnect!(() => ((server.isClosed = true), Promise.resolve()), false);
    expect(server.isClosed).toBe(true);
    expect(server.isStreamDestroyed).toBe(false);
    await expect(transport.disconnect!(() => Promise.reject(new Error('no')), false)).rejects.toThrow('no');
  });

  it('hears that the broker has cancelled its consumer', () => {
    void channel.consumers.get('tag-1')!(null);
    expect(server.cancelled).toBe(1);
  });

  it('asks nothing of a channel that is closed', async () => {
    channel.close();
    let asked = 0;
    channel.cancel = channel.waitForConfirms = () => (asked++, Promise.resolve());
    await transport.stopTaking(deadline.signal);
    await transport.flush!(deadline.signal);
    expect(asked).toBe(0);
  });

  it('counts a reply once whose channel has seen several connections', async () => {
    channel.close();
    await connect();
    void server.channel.sendToQueue();
    await transport.stopTaking(deadline.signal);
    const [leftover] = transport.leftovers!();
    expect(leftover?.detail).toMatch(/^1 reply /);
  });

  it('waits no longer for a reply that the broker has refused', async () => {
    const sent = server.channel.sendToQueue();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    server.confirms[0]!.reject(new Error('nacked'));
    await expect(sent).rejects.toThrow('nacked');
    await clock.advance(0);
    expect(flushing).toEqual({ isSettled: true });
  });

  it.each([
    ['after half a second', 500, false],
    ['sooner when the drain was cut', 100, true],
  ])('lets go of a broker that does not answer when it is closed, %s', async (_, ms, wasCut) => {
    let isManagerClosed = false;
    server.closeManager = () => ((isManagerClosed = true), Promise.reject(new Error('closed')));
    const closing = watch(transport.disconnect!(() => new Promise(() => undefined), wasCut) as Promise<void>);
    await clock.advance(ms - 1);
    expect(isManagerClosed).toBe(false);
    await clock.advance(1);
    expect(isManagerClosed).toBe(true);
    expect(server.isStreamDestroyed).toBe(true);
    expect(closing).toEqual({ isSettled: true });
  });
});

describe('RabbitMQ without acknowledgements', () => {
  beforeEach(() => start(true));

  it('executes what was on its way when its consumer was cancelled: nobody else would', async () => {
    await transport.stopTaking(deadline.signal);
    channel.deliver();
    expect(server.handled).toHaveLength(1);
  });

  it('warns: prefetchCount has no effect', () => {
    expect(transport.warnings).toEqual([expect.stringMatching(/^RabbitMQ \(orders\): noAck is true/)]);
  });
});

describe('RabbitMQ with acknowledgements', () => {
  beforeEach(() => start(false));

  it('hands back what was on its way when its consumer was cancelled', async () => {
    await transport.stopTaking(deadline.signal);
    channel.deliver();
    expect(server.handled).toEqual([]);
    expect(channel.written.at(-1)).toBe('nack 1 requeue');
    channel.close();
    channel.deliver();
    expect(server.handled).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['ack', () => channel.ack(server.handled[0]!)],
    ['nack', () => channel.nack(server.handled[0]!, false, false)],
    ['reject', () => channel.reject(server.handled[0]!)],
    ['ack of a later one and all before', () => channel.ack({ fields: { deliveryTag: 3 } }, true)],
    ['ackAll', () => channel.ackAll()],
    ['nackAll', () => channel.nackAll()],
  ])('waits for acknowledgements that come after the handler: %s', async (_, acknowledge) => {
    channel.deliver();
    server.ends[0]!();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    await clock.advance(999);
    expect(flushing.isSettled).toBe(false);
    acknowledge();
    await clock.advance(0);
    expect(flushing).toEqual({ isSettled: true });
    expect(transport.leftovers!()).toEqual([]);
  });

  it('counts an acknowledgement once', async () => {
    channel.deliver();
    channel.deliver();
    for (const end of server.ends) end();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    channel.ack(server.handled[0]!);
    channel.ack(server.handled[0]!);
    await clock.advance(0);
    expect(flushing.isSettled).toBe(false);
    channel.ack(server.handled[1]!);
    await clock.advance(0);
    expect(flushing.isSettled).toBe(true);
  });

  it('goes on waiting while acknowledgements come, and names those that do not', async () => {
    for (let count = 0; count < 4; count++) channel.deliver();
    for (const end of server.ends) end();
    await transport.stopTaking(deadline.signal);
    const flushing = flush();
    await clock.advance(900);
    // The first two.
    channel.ack(server.handled[1]!, true);
    await clock.advance(900);
    expect(flushing.isSettled).toBe(false);
    channel.ack(server.handled[1]!);
    await clock.advance(100);
    expect(flushing.isSettled).toBe(true);
    const [leftover] = transport.leftovers!();
    expect(leftover?.detail).toMatch(/^2 messages not acknowledged/);
    expect(transport.cut!()).toEqual([]);
  });

  it('names what is delivered anew since the connection was lost', async () => {
    channel.deliver();
    await transport.stopTaking(deadline.signal);
    channel.close();
    server.ends[0]!();
    const flushing = flush();
    await clock.advance(0);
    expect(flushing).toEqual({ isSettled: true });
    const [leftover] = transport.leftovers!();
    expect(leftover?.detail).toMatch(/^The connection was lost .* 1 message /);
  });

  it('does not name what was lost with a connection before', async () => {
    channel.deliver();
    server.ends[0]!();
    channel.close();
    await connect();
    await transport.stopTaking(deadline.signal);
    expect(transport.leftovers!()).toEqual([]);
  });

  it('warns where prefetchCount is missing, or 0', () => {
    expect(transport.warnings).toEqual([]);
    for (const options of [{}, { prefetchCount: 0 }]) {
      const unlimited = Object.assign(new FakeRmqServer(false), { options });
      const { warnings } = rmqTransport(unlimited, contextWith({ clock }))!;
      expect(warnings).toEqual([expect.stringMatching(/^RabbitMQ \(orders\): expected a prefetchCount/)]);
    }
  });
});
