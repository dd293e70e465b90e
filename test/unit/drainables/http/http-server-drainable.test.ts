import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type Server } from 'node:http';
import { type Socket } from 'node:net';
import { Admission, type AdmissionRule } from '../../../../src/admission/admission.js';
import { exchangeOf } from '../../../../src/drainables/exchange/exchange.js';
import { HttpServerDrainable } from '../../../../src/drainables/http/http-server-drainable.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { type Refusals } from '../../../../src/refusal/refusals.js';
import { Traffic } from '../../../../src/sequence/traffic.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';
import { FakeResponse, FakeSocket } from './fake-exchange.js';

class FakeServer extends EventEmitter {
  listening = false;
}

class FakeRequest extends EventEmitter {
  readonly method = 'GET';
  readonly httpVersionMajor: number = 1;
  readonly complete = true;
  headers: Record<string, string> = {};
  constructor(
    readonly socket: Socket,
    readonly url = '/orders',
  ) {
    super();
  }
}

let clock: FakeClock;
let server: FakeServer;
let tracker: InFlightTracker;
let traffic: Traffic;
let admission: Admission;
let refused: string[];
let served: string[];
let rehearsal: { isRunning: boolean; requestArrived: () => void; probeAnswered: () => void };
let drainable: HttpServerDrainable;
let deadline: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer();
  tracker = new InFlightTracker(clock);
  traffic = new Traffic(clock);
  admission = new Admission();
  refused = [];
  served = [];
  deadline = new AbortController();
  rehearsal = { isRunning: false, requestArrived: () => undefined, probeAnswered: () => undefined };
  drainable = make();
  server.on('request', ({ url }: FakeRequest) => served.push(url));
});

function make(over: { closesListenerFirst?: boolean; isHandingOver?: () => boolean } = {}) {
  const refusals = {
    refuse: ({ request, response }: { request: FakeRequest; response: FakeResponse }) => {
      refused.push(request.url);
      response.writeHead(503);
    },
    refuseUpgrade: () => refused.push('upgrade'),
  };
  return new HttpServerDrainable('http server', server as unknown as Server, {
    clock,
    tracker,
    traffic,
    rehearsal,
    admission,
    refusals: refusals as unknown as Refusals,
    closesListenerFirst: false,
    isHandingOver: () => false,
    idleLingerMs: () => 50,
    ...over,
  });
}

function open(): FakeSocket {
  const socket = new FakeSocket();
  server.emit('connection', socket);
  return socket;
}

function send(socket = open(), url = '/orders') {
  const request = new FakeRequest(socket as unknown as Socket, url);
  const response = Object.assign(new FakeResponse(), { req: request });
  server.emit('request', request, response);
  return { request, response, socket, end: () => void response.emit('close') };
}

function upgrade(socket = open(), event = 'upgrade') {
  const request = new FakeRequest(socket as unknown as Socket);
  request.headers = { upgrade: 'echo' };
  server.emit(event, request, socket, Buffer.alloc(0));
  return socket;
}

/** Begins the drain, which begins by refusing new work. */
async function beginDrain(): Promise<{ isDrained: boolean }> {
  const watched = { isDrained: false };
  void drainable.drain(deadline.signal).then(() => (watched.isDrained = true));
  await settle();
  await settle();
  return watched;
}

describe('HttpServerDrainable', () => {
  it('counts each request until its response has closed, and hands it on', () => {
    const { end } = send();
    expect([tracker.size, served]).toEqual([1, ['/orders']]);
    end();
    expect([tracker.size, tracker.finished]).toEqual([0, 1]);
  });

  it('adds no listener to the server', () => {
    const plain = new FakeServer();
    server = new FakeServer();
    make();
    expect(server.eventNames()).toEqual(plain.eventNames());
    expect(server.listenerCount('upgrade')).toBe(0);
  });

  it('leaves requests of HTTP/2 to those who know it', () => {
    const request = Object.assign(new FakeRequest(open() as unknown as Socket), { httpVersionMajor: 2 });
    server.emit('request', request, new FakeResponse());
    expect([exchangeOf(request), served]).toEqual([undefined, ['/orders']]);
  });

  it('counts a request once, however often it is handed to the server', () => {
    const { request, response } = send();
    server.emit('request', request, response);
    expect([tracker.size, served]).toEqual([1, ['/orders', '/orders']]);
  });

  it('tells clients to leave from the announcement on, in heads that were unsent by then too', () => {
    const [unsent, sent] = [send(), send()];
    sent.response.writeHead(200);
    drainable.announce();
    const next = send();
    for (const { response } of [unsent, next]) response.writeHead(200);
    expect([unsent, sent, next].map(({ response }) => response.getHeader('connection'))).toEqual([
      'close',
      undefined,
      'close',
    ]);
    expect(served).toHaveLength(3);
  });

  it('executes nothing behind a close that is out, and does before', () => {
    drainable.announce();
    const { socket, response } = send();
    const second = send(socket, '/second');
    response.writeHead(200);
    second.response.writeHead(200);
    send(socket, '/third');
    expect(served).toEqual(['/orders', '/second']);
    expect([response.getHeader('connection'), second.response.getHeader('connection')]).toEqual([undefined, 'close']);
  });

  it('counts requests of connections that were not told as traffic that has yet to leave', async () => {
    const old = open();
    await clock.advance(1_000);
    drainable.announce();
    traffic.becomeUnready();
    await clock.advance(1_000);
    const { response } = send(old);
    expect([traffic.quietSince, traffic.afterUnready.count]).toEqual([2_000, 0]);
    send();
    expect(traffic.afterUnready.count).toBe(1);
    await clock.advance(1_000);
    // Its head is unsent: whoever sends another request on it has not been told.
    send(old).response.writeHead(200, { Connection: 'keep-alive' });
    expect(traffic.quietSince).toBe(3_000);
    response.emit('close');
    await clock.advance(1_000);
    send(old);
    expect(traffic.quietSince).toBe(3_000);
  });

  it('refuses what arrives while draining, and lets a half-sent head of before pass', async () => {
    const half = open();
    half.bytesRead = 20;
    const drained = await beginDrain();
    const passing = send(half, '/half');
    send(open(), '/late');
    send(half, '/behind');
    expect([served, refused]).toEqual([['/half'], ['/late', '/behind']]);
    expect(tracker.size).toBe(1);
    passing.end();
    expect(drained.isDrained).toBe(false);
  });

  it('lets a late request pass that could be exempt, and marks it', async () => {
    admission.add({ exempts: ({ url }) => url === '/health' });
    await beginDrain();
    const { request } = send(open(), '/health');
    expect([served, refused]).toEqual([['/health'], []]);
    expect(exchangeOf(request)?.isLate).toBe(true);
    exchangeOf(request)?.refuse();
    expect(refused).toEqual(['/health']);
  });

  it('asks the rules for what goes on, and for what is declined', async () => {
    const rule: AdmissionRule = {
      continues: ({ url }) => url === '/poll',
      declines: ({ url }) => url === '/handshake',
    };
    admission.add(rule);
    send(open(), '/handshake');
    drainable.announce();
    send(open(), '/handshake');
    await beginDrain();
    send(open(), '/poll');
    expect([served, refused]).toEqual([['/handshake', '/poll'], ['/handshake']]);
  });

  it('has drained with its last response, and does not wait for idle connections', async () => {
    open();
    const { end } = send();
    const drained = await beginDrain();
    expect(drained.isDrained).toBe(false);
    end();
    await settle();
    expect(drained.isDrained).toBe(true);
  });

  it('drains without an announcement as well, and tells clients then', async () => {
    const { response } = send();
    await beginDrain();
    response.writeHead(200);
    expect(response.getHeader('connection')).toBe('close');
  });

  it('counts an upgrade for as long as it is open, and refuses a late one', async () => {
    const socket = upgrade();
    expect([tracker.size, server.listenerCount('upgrade')]).toEqual([1, 0]);
    await beginDrain();
    let heard = 0;
    server.on('upgrade', () => heard++);
    upgrade();
    upgrade(open(), 'connect');
    expect([refused, heard]).toEqual([['upgrade', 'upgrade'], 0]);
    socket.destroy();
    expect(tracker.size).toBe(0);
  });

  it('answers late expectations without a 100, and forwards those in time as Node does', async () => {
    const half = open();
    half.bytesRead = 20;
    await beginDrain();
    const continued: string[] = [];
    const expect100 = (socket: FakeSocket, url: string) => {
      const request = new FakeRequest(socket as unknown as Socket, url);
      const response = Object.assign(new FakeResponse(), { req: request, writeContinue: () => continued.push(url) });
      server.emit('checkContinue', request, response);
    };
    expect100(open(), '/late');
    expect100(half, '/half');
    expect([refused, continued, served]).toEqual([['/late'], ['/half'], ['/half']]);
    server.on('checkContinue', () => continued.push('their own'));
    admission.add({ continues: () => true });
    expect100(open(), '/later');
    expect([continued, served]).toEqual([['/half', 'their own'], ['/half']]);
  });

  it('takes a rehearsal back, and leaves nothing of it', () => {
    const retract = drainable.rehearse();
    const [during, after] = [send(), send()];
    during.response.writeHead(200);
    retract();
    after.response.writeHead(200);
    expect([during, after].map(({ response }) => response.getHeader('connection'))).toEqual(['close', undefined]);
    expect(send().response).not.toHaveProperty('writeHeader');
  });

  it('cuts everything when it is forced', async () => {
    const { socket } = send();
    expect(await drainable.forceClose()).toEqual([]);
    expect(socket.destroyed).toBe(true);
  });

  describe('that closes its listener first', () => {
    beforeEach(() => {
      server = new FakeServer();
      server.on('request', ({ url }: FakeRequest) => served.push(url));
      drainable = make({ closesListenerFirst: true });
    });

    it('serves what is accepted until then, and the first request of what was', async () => {
      server.listening = true;
      Object.assign(server, { _handle: null, close: () => undefined });
      const used = open();
      send(used, '/used').end();
      const fresh = open();
      void drainable.drain(deadline.signal).catch(() => undefined);
      await settle();
      const accepted = open();
      send(accepted, '/accepted');
      server.listening = false;
      for (let turn = 0; turn < 8; turn++) await settle();
      send(fresh, '/fresh');
      send(used, '/late');
      expect([served, refused]).toEqual([['/used', '/accepted', '/fresh'], ['/late']]);
    });
  });

  describe('that hands its socket over', () => {
    beforeEach(() => {
      server = new FakeServer();
      server.on('request', ({ url }: FakeRequest) => served.push(url));
      drainable = make({ isHandingOver: () => true });
    });

    it('refuses nobody who has been accepted, and serves an upgrade, too', async () => {
      const used = open();
      send(used, '/used').end();
      const upgrading = open();
      void drainable.drain(deadline.signal);
      for (let turn = 0; turn < 8; turn++) await settle();
      send(used, '/late');
      const request = new FakeRequest(upgrading as unknown as Socket, '/socket');
      server.on('upgrade', ({ url }: FakeRequest) => served.push(url));
      server.emit('upgrade', request, upgrading);
      expect([served, refused]).toEqual([['/used', '/late', '/socket'], []]);
    });

    it('says how long its idle connections rest', () => {
      Object.assign(server, { keepAliveTimeout: 5_000 });
      expect(drainable.idleMs).toBe(5_000);
      Object.assign(server, { keepAliveTimeoutBuffer: 1_000 });
      expect(drainable.idleMs).toBe(6_000);
      Object.assign(server, { keepAliveTimeout: 0 });
      expect(drainable.idleMs).toBe(Infinity);
    });
  });
});
