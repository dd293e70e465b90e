import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type Observable, Subject } from 'rxjs';
import { grpcTransport } from '../../../../../src/drainables/microservices/grpc/grpc-transport.js';
import { MessageWork } from '../../../../../src/drainables/microservices/shared/message-work.js';
import { type MessageCallback, type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';
import { FakeCall, FakeGrpc, FakeHttp2Server, FakeNestServer, FakeReadiness, FakeSession } from './fake-grpc.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;
const path = '/orders.Orders/Create';

let clock: FakeClock;
let tracker: InFlightTracker;
let work: MessageWork;
let server: FakeNestServer;
let grpc: FakeGrpc;
let transport: Transport;
let late: { error: unknown } | undefined;

beforeEach(async () => {
  clock = new FakeClock();
  tracker = new InFlightTracker(clock);
  work = new MessageWork(clock, tracker);
  grpc = new FakeGrpc();
  late = undefined;
  await listen();
});
afterEach(() => {
  grpc.closeSessions();
  clock.assertNoTimerLeft();
});

async function listen(): Promise<void> {
  server = new FakeNestServer(grpc);
  transport = grpcTransport(server, {
    clock,
    isDraining: () => false,
    refusal: undefined,
    readiness: new FakeReadiness(),
  })!;
  transport.count!(work, { isOver: false, lateCall: () => late });
  await server.createClient();
}

/** A session whose client is not about to call. */
async function rests(): Promise<FakeSession> {
  const session = grpc.http2.opens();
  await clock.advance(100);
  return session;
}

/** What Nest does with a handler: it is given as one of `pattern`, and called by what is registered at grpc-js. */
function handle(callback: MessageCallback): MessageCallback {
  server.addHandler('create', callback);
  return server.handlers.get('create')!;
}

it('is recognised by its number', () => {
  const context = { clock, isDraining: () => false, refusal: undefined, readiness: new FakeReadiness() };
  expect(grpcTransport({ transportId: 0 }, context)).toBeUndefined();
  expect(transport.name).toBe('gRPC');
});

describe('A call', () => {
  it('of one answer is work until its status has been sent, and not only until its handler has ended', async () => {
    const handler = handle(() => Promise.resolve('created'));
    grpc.register(path, async (call, answer) => answer!(null, await handler({}, call.metadata, call)));
    const call = new FakeCall();
    const answers: unknown[] = [];
    await grpc.calls(path, call, (...args) => answers.push(args));
    expect(answers).toEqual([[null, 'created']]);
    await turn();
    expect(tracker.leftovers()).toEqual([{ kind: 'rpc', name: 'orders.Orders/Create', ageMs: 0 }]);
    call.isOver();
    await turn();
    expect({ size: tracker.size, isIdle: work.isIdle }).toEqual({ size: 0, isIdle: true });
  });

  it('that its handler takes over is work until it has been ended', async () => {
    const handler = handle(() => undefined);
    grpc.register(path, (call) => handler(call));
    const call = new FakeCall();
    grpc.calls(path, call);
    await turn();
    expect(tracker.size).toBe(1);
    call.writableEnded = true;
    call.isOver();
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('that its handler takes over is work until that has settled as well', async () => {
    let settleHandler: (value?: unknown) => void = () => undefined;
    const handler = handle(() => new Promise((resolve) => (settleHandler = resolve)));
    grpc.register(path, (call) => handler(call));
    const call = new FakeCall();
    grpc.calls(path, call);
    call.writableEnded = true;
    call.isOver();
    await turn();
    expect(tracker.size).toBe(1);
    settleHandler();
    await turn();
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('that streams answers is work until the stream has ended as well', async () => {
    const values = new Subject<number>();
    const handler = handle(() => values);
    let stream!: Observable<unknown>;
    grpc.register(path, async (call) => (stream = (await handler({}, call.metadata, call)) as Observable<unknown>));
    const call = new FakeCall();
    await grpc.calls(path, call);
    const subscription = stream.subscribe();
    call.writableEnded = true;
    call.isOver();
    expect(tracker.abandonedLeftovers()).toEqual([]);
    await turn();
    expect(tracker.size).toBe(1);
    subscription.unsubscribe();
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('whose client has gone is waited for no longer than a moment, though its handler goes on', async () => {
    let settleHandler: (value: unknown) => void = () => undefined;
    const handler = handle(() => new Promise((resolve) => (settleHandler = resolve)));
    grpc.register(path, async (call, answer) => answer!(null, await handler({}, call.metadata, call)));
    const call = new FakeCall();
    const called = grpc.calls(path, call, () => undefined);
    call.isOver();
    await turn();
    expect(work.isIdle).toBe(true);
    expect(tracker.leftovers()).toEqual([]);
    expect(tracker.abandonedLeftovers()).toMatchObject([{ name: 'orders.Orders/Create' }]);
    settleHandler('created');
    await called;
    await turn();
    expect(tracker.abandonedLeftovers()).toEqual([]);
    expect(work.isIdle).toBe(true);
  });

  it('of a service that the application has added itself is work as well', async () => {
    grpc.register('/own.Service/Do', (_call, answer) => answer!(null, 'done'));
    const call = new FakeCall();
    grpc.calls('/own.Service/Do', call, () => undefined);
    expect(tracker.leftovers()).toMatchObject([{ name: 'own.Service/Do' }]);
    call.isOver();
    expect(tracker.abandonedLeftovers()).toEqual([]);
    await turn();
    expect(tracker.size).toBe(0);
  });

  it('that is too late gets 14 UNAVAILABLE and a retry pushback, and is not executed', () => {
    let calls = 0;
    grpc.register(path, () => calls++);
    late = { error: undefined };
    const refused = expect.objectContaining({
      code: 14,
      details: 'The server is shutting down',
      metadata: expect.objectContaining({ fields: { 'grpc-retry-pushback-ms': '100' } }),
    });
    const answers: unknown[] = [];
    grpc.calls(path, new FakeCall(), (error) => answers.push(error));
    const stream = new FakeCall();
    stream.on('error', (error) => answers.push(error));
    grpc.calls(path, stream);
    expect({ answers, calls, inFlight: tracker.size }).toEqual({ answers: [refused, refused], calls: 0, inFlight: 0 });
  });
});

describe('Clients', () => {
  it('are told to leave as the lame duck begins', async () => {
    const session = grpc.http2.opens();
    transport.announce!(2_000);
    await clock.advance(100);
    expect(session.closed).toBe(true);
    expect(grpc.did).toEqual([]);
  });

  it('are not told while the application serves, however long their calls have taken', async () => {
    const session = grpc.http2.opens();
    grpc.http2.streams(session);
    await clock.advance(60_000);
    expect(session.closed).toBe(false);
    clock.assertNoTimerLeft();
  });

  it('are told when as many calls are open as they ever had, or have not been for a while', async () => {
    const session = grpc.http2.opens();
    grpc.http2.streams(session);
    grpc.http2.streams(session).emit('close');
    const stopped = transport.stopTaking(never);
    await clock.advance(50);
    expect(session.closed).toBe(false);
    grpc.http2.streams(session);
    await settle();
    expect(session.closed).toBe(true);
    await stopped;
  });

  it('with a call that goes on hold the telling no longer than until they have been told', async () => {
    const session = grpc.http2.opens();
    grpc.http2.streams(session);
    grpc.http2.streams(session).emit('close');
    let isTold = false;
    void transport.stopTaking(never).then(() => (isTold = true));
    for (let turns = 0; turns < 30; turns++) await turn();
    await clock.advance(99);
    expect(isTold).toBe(false);
    await clock.advance(1);
    expect(isTold).toBe(true);
  });

  it('whose sessions have been destroyed are not told, and are not waited for', async () => {
    const session = grpc.http2.opens();
    session.destroy();
    await transport.stopTaking(never);
    expect({ closed: session.closed, did: grpc.did }).toEqual({ closed: false, did: ['tryShutdown'] });
  });

  it('that cannot be told by the deadline hold neither the telling nor the end of the listener', async () => {
    grpc.http2.opensInSilence();
    const deadline = new AbortController();
    const stopped = transport.stopTaking(deadline.signal);
    for (let turns = 0; turns < 30; turns++) await turn();
    expect(grpc.did).toEqual([]);
    deadline.abort();
    await stopped;
    expect(grpc.did).toEqual(['tryShutdown']);
  });

  it('whose calls never end are not waited for after the deadline', async () => {
    grpc.http2.streams(grpc.http2.opens());
    const deadline = new AbortController();
    const flushed = transport.flush!(deadline.signal);
    await clock.advance(5_000);
    deadline.abort();
    await turn();
    await flushed;
  });

  it('of a server with TLS are met with the connection whose handshake has ended, and not with the one beneath', async () => {
    grpc = new FakeGrpc(new FakeHttp2Server('secureConnection'));
    await listen();
    const beneath = Object.assign(new EventEmitter(), { destroy: () => grpc.did.push('destroyed beneath') });
    grpc.http2.emit('connection', beneath);
    const session = grpc.http2.opens();
    await transport.cut!();
    expect(grpc.did).toEqual(['forceShutdown']);
    expect(session.socket.destroyed).toBe(true);
  });

  it('of a session that somebody has made of a stream of his own are his to tell, and hold nothing', async () => {
    const made = new FakeSession();
    grpc.http2.emit('session', made);
    transport.announce!(2_000);
    await transport.stopTaking(never);
    expect({ closed: made.closed, did: grpc.did }).toEqual({ closed: false, did: ['tryShutdown'] });
  });

  it('of servers that were bound since are told to leave as well', async () => {
    grpc = new FakeGrpc();
    const session = new FakeSession();
    grpc.http2Servers.clear();
    await listen();
    grpc.http2Servers.set(grpc.http2, { sessions: new Set([session]) });
    transport.announce!(2_000);
    expect(session.closed).toBe(true);
  });

  it.each([
    ['keeps no servers', undefined],
    ['keeps no sessions', new Map([[new FakeHttp2Server(), undefined]])],
  ])('are told by grpc-js alone where it %s', async (_, http2Servers) => {
    grpc = Object.assign(new FakeGrpc(), { http2Servers });
    await listen();
    transport.announce!(2_000);
    await transport.stopTaking(never);
    expect(grpc.did).toEqual(['tryShutdown']);
  });

  it('are not told in a lame duck that takes no time: they would come back before the listener closes', async () => {
    const session = grpc.http2.opens();
    transport.announce!(0);
    await clock.advance(100);
    expect(session.closed).toBe(false);
  });

  it('that come back meanwhile are told half a second after their first call: they bring what was refused', async () => {
    transport.announce!(2_000);
    const session = grpc.http2.opens();
    await clock.advance(1_000);
    grpc.http2.streams(session);
    await clock.advance(200);
    grpc.http2.streams(session).emit('close');
    await clock.advance(299);
    expect(session.closed).toBe(false);
    await clock.advance(101);
    expect(session.closed).toBe(true);
  });

  it('that come back and leave by themselves, or late, are told no more than once', async () => {
    transport.announce!(2_000);
    const gone = grpc.http2.opens();
    grpc.http2.streams(gone);
    grpc.http2.streams(gone);
    gone.emit('close');
    const late = grpc.http2.opens();
    grpc.http2.streams(late);
    await transport.stopTaking(never);
    expect(late.closed).toBe(true);
    let words = 0;
    for (const session of [gone, late]) session.on('goaway', () => words++);
    await clock.advance(1_000);
    expect(words).toBe(0);
  });

  it('whose handshakes end when draining has begun are sent away as they say their first word', async () => {
    await transport.stopTaking(never);
    const silent = grpc.http2.opensInSilence();
    const late = grpc.http2.opens();
    await turn();
    expect({ late: late.closed, silent: silent.closed }).toEqual({ late: true, silent: false });
    expect(grpc.http2.listenerCount('session')).toBe(1);
  });

  it('that do not say a word get the last one, and hold the drain for no longer than a second', async () => {
    const silent = grpc.http2.opensInSilence();
    let words = 0;
    silent.on('goaway', () => words++);
    let isTold = false;
    void transport.stopTaking(never).then(() => (isTold = true));
    for (let turns = 0; turns < 30; turns++) await turn();
    await clock.advance(50);
    expect({ words, isTold, closed: silent.closed }).toEqual({ words: 1, isTold: false, closed: false });
    await clock.advance(1_000);
    silent.emit('close');
    await settle();
    expect({ isTold, closed: silent.closed }).toEqual({ isTold: true, closed: false });
  });

  it('of servers that were bound since are known', async () => {
    grpc = new FakeGrpc();
    const [[http2, info]] = [...grpc.http2Servers] as [[typeof grpc.http2, { sessions: Set<FakeSession> }]];
    grpc.http2Servers.clear();
    await listen();
    grpc.http2Servers.set(http2, info);
    await transport.stopTaking(never);
    const late = http2.opens();
    await turn();
    expect(late.closed).toBe(true);
  });

  it('of a port that the application has bound itself are known from their first word', async () => {
    let port = 0;
    grpc.bindAsync('127.0.0.1:0', undefined, (_error, bound) => (port = bound));
    expect(port).toBe(50_051);
    const [, second] = [...grpc.http2Servers.keys()];
    const [silent, session] = [second!.opensInSilence(), second!.opens()];
    transport.announce!(2_000);
    await clock.advance(100);
    // A silent session that Node closes may corrupt its heap.
    expect({ session: session.closed, silent: silent.closed }).toEqual({ session: true, silent: false });
    for (const each of [session, silent]) each.emit('close');
  });

  it('are waited for by grpc-js where their sessions are not known', async () => {
    grpc = new FakeGrpc();
    grpc.http2Servers.clear();
    await listen();
    await transport.stopTaking(never);
    let isFlushed = false;
    void transport.flush!(never).then(() => (isFlushed = true));
    await clock.advance(1_000);
    expect(isFlushed).toBe(false);
    grpc.hasShutDown();
    await settle();
    expect(isFlushed).toBe(true);
  });

  it('whose session is destroyed a turn after its last stream has closed are not waited for any longer', async () => {
    const session = await rests();
    const stream = grpc.http2.streams();
    await transport.stopTaking(never);
    let isFlushed = false;
    void transport.flush!(never).then(() => (isFlushed = true));
    await settle();
    stream.emit('close');
    setImmediate(() => (session.destroyed = true));
    await settle();
    await settle();
    await clock.advance(50);
    expect(isFlushed).toBe(true);
  });

  it('that wait to be accepted are accepted before the listener closes', async () => {
    const stopped = transport.stopTaking(never);
    for (let turns = 0; turns < 10; turns++) {
      grpc.http2.emit('connection', new EventEmitter());
      await turn();
    }
    expect(grpc.did).toEqual([]);
    await stopped;
    expect(grpc.did).toEqual(['tryShutdown']);
  });

  it('find no listener when they come back, for it closes before they have been told as draining begins', async () => {
    const session = grpc.http2.opens();
    const streams = [grpc.http2.streams(session), grpc.http2.streams(session)];
    // It is about to open the next one.
    streams[0]!.emit('close');
    const stopped = transport.stopTaking(never);
    for (let turns = 0; turns < 30; turns++) await turn();
    expect({ listening: grpc.http2.listening, closed: session.closed }).toEqual({ listening: false, closed: false });
    await clock.advance(100);
    expect(session.closed).toBe(true);
    await stopped;
  });

  it('are each looked at a few times, however many there are', async () => {
    let looks = 0;
    const sessions = Array.from({ length: 100 }, () => {
      const session = grpc.http2.opens();
      Object.defineProperty(session, 'destroyed', { get: () => (looks++, session.closed) });
      return session;
    });
    // Each is about to open a stream: none is told at once.
    for (const session of sessions) {
      grpc.http2.streams(session);
      grpc.http2.streams(session).emit('close');
    }
    const stopped = transport.stopTaking(never);
    for (let turns = 0; turns < 30; turns++) await turn();
    await clock.advance(100);
    await stopped;
    expect(looks).toBeLessThan(1_000);
  });

  it('are waited for until everything has left', async () => {
    const session = await rests();
    const stream = grpc.http2.streams();
    await transport.stopTaking(never);
    let isFlushed = false;
    const flushed = transport.flush!(never).then(() => (isFlushed = true));
    await settle();
    stream.emit('close');
    await settle();
    expect(isFlushed).toBe(false);
    session.destroyed = true;
    session.emit('close');
    await flushed;
  });

  it('that have vanished are not waited for when everything has been written', async () => {
    const session = await rests();
    await transport.stopTaking(never);
    session.destroy();
    let isFlushed = false;
    void transport.flush!(never).then(() => (isFlushed = true));
    await turn();
    await settle();
    await clock.advance(49);
    expect(isFlushed).toBe(false);
    await clock.advance(1);
    expect(isFlushed).toBe(true);
  });

  it('that read nothing are waited for until the deadline', async () => {
    await rests();
    await transport.stopTaking(never);
    const deadline = new AbortController();
    let isFlushed = false;
    void transport.flush!(deadline.signal).then(() => (isFlushed = true));
    await turn();
    await turn();
    await clock.advance(5_000);
    expect(isFlushed).toBe(false);
    deadline.abort();
    await settle();
    expect(isFlushed).toBe(true);
  });

  it('of sessions that were there before are known', async () => {
    grpc = new FakeGrpc();
    const session = new FakeSession();
    grpc.http2Servers.get(grpc.http2)!.sessions.add(session);
    await listen();
    let isFlushed = false;
    void transport.flush!(never).then(() => (isFlushed = true));
    for (let turns = 0; turns < 3; turns++) await settle();
    expect(isFlushed).toBe(false);
    session.destroyed = true;
    session.emit('close');
    await settle();
    expect(isFlushed).toBe(true);
  });

  it('of a session whose socket is not known are told by Node alone', async () => {
    grpc = new FakeGrpc();
    const session = new FakeSession();
    grpc.http2Servers.get(grpc.http2)!.sessions.add(session);
    await listen();
    transport.announce!(2_000);
    expect(session.closed).toBe(true);
    await transport.stopTaking(never);
    expect(grpc.did).toEqual(['tryShutdown']);
  });
});

describe('The end', () => {
  it('sends away whoever watches the health service, when all work has ended', async () => {
    const watch = '/grpc.health.v1.Health/Watch';
    grpc.register(watch, () => undefined);
    const call = new FakeCall();
    const seen: unknown[] = [];
    call.on('error', ({ code }: { code: number }) => seen.push(code));
    grpc.calls(watch, call);
    expect(work.isIdle).toBe(true);
    await transport.stopTaking(never);
    expect(seen).toEqual([]);
    await transport.flush!(never);
    expect(seen).toEqual([14]);
  });

  it('cuts what is left at the deadline, a turn after its clients have been told', async () => {
    const session = grpc.http2.opens();
    const cut = transport.cut!();
    await Promise.resolve();
    expect({ did: grpc.did, destroyed: session.destroyed }).toEqual({ did: ['forceShutdown'], destroyed: false });
    await cut;
    expect({ session: session.destroyed, socket: session.socket.destroyed }).toEqual({ session: true, socket: true });
  });

  it('is not left to grpc-js for sessions whose client has not said a word: closing them can corrupt the heap', async () => {
    const seen: boolean[] = [];
    const silent = grpc.http2.opensInSilence();
    grpc.forceShutdown = () => void seen.push(silent.destroyed);
    await transport.cut!();
    const other = grpc.http2.opensInSilence();
    grpc.forceShutdown = () => void seen.push(other.destroyed);
    void transport.disconnect!(() => undefined, true);
    await clock.advance(50);
    const last = grpc.http2.opensInSilence();
    grpc.tryShutdown = () => void seen.push(last.destroyed);
    const deadline = new AbortController();
    const stopped = transport.stopTaking(deadline.signal);
    for (let turns = 0; turns < 30; turns++) await turn();
    deadline.abort();
    await stopped;
    expect(seen).toEqual([true, true, true]);
  });

  it('cuts sessions whose socket is not known: without channelz grpc-js knows of none', async () => {
    grpc = new FakeGrpc();
    const session = new FakeSession();
    grpc.http2Servers.get(grpc.http2)!.sessions.add(session);
    await listen();
    await transport.cut!();
    expect(session.destroyed).toBe(true);
  });

  it('cuts TLS handshakes that have not ended: Nest would wait for them as it closes', async () => {
    grpc = new FakeGrpc();
    Object.assign(grpc.http2, { setSecureContext: () => undefined });
    await listen();
    const cut: number[] = [];
    for (const remotePort of [1, 2]) {
      const socket = Object.assign(new EventEmitter(), { remotePort, destroy: () => cut.push(remotePort) });
      grpc.http2.emit('connection', socket);
    }
    grpc.http2.emit('secureConnection', { remotePort: 1, encrypted: true });
    void transport.disconnect!(() => undefined, false);
    expect(cut).toEqual([2]);
    await settle();
  });

  it('leaves nothing that Nest could wait for when it closes', async () => {
    const session = grpc.http2.opens();
    transport.announce!(2_000);
    grpc.did.length = 0;
    void transport.disconnect!(() => grpc.did.push('close'), true);
    expect({ did: grpc.did, destroyed: session.destroyed }).toEqual({ did: ['forceShutdown'], destroyed: true });
    // Until it has said that it is closed, grpc-js would close it, and Node then calls nobody back.
    await clock.advance(49);
    expect(grpc.did).toEqual(['forceShutdown']);
    session.emit('close');
    await settle();
    expect(grpc.did).toEqual(['forceShutdown', 'close']);
  });

  it('waits no longer than a moment for a session that does not say that it is closed', async () => {
    grpc.http2.opens();
    void transport.disconnect!(() => grpc.did.push('close'), true);
    await clock.advance(50);
    expect(grpc.did).toEqual(['forceShutdown', 'close']);
  });

  it('of a server that never listened has nothing to do', async () => {
    server = new FakeNestServer(grpc);
    const context = { clock, isDraining: () => false, refusal: undefined, readiness: new FakeReadiness() };
    const idle = grpcTransport(server, context)!;
    idle.announce!(2_000);
    await idle.stopTaking(never);
    await idle.flush!(never);
    await idle.cut!();
    expect(await idle.disconnect!(() => 'closed', true)).toBe('closed');
    expect(grpc.did).toEqual([]);
  });
});
