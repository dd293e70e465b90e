import { afterEach, describe, expect, it } from '@jest/globals';
import { type ServerResponse } from 'node:http';
import { EventStreams } from '../../../../src/drill/clients/event-streams.js';
import { StubServer } from '../stub-server.js';

const requests = [{ name: 'GET /events', method: 'GET', path: '/events' }];

/** How the event with this number is sent, and what is sent with it. */
type Send = (response: ServerResponse, number: number) => void;

const well: Send = (response, number) => void response.write(`id: ${number}\ndata: tick\n\n`);

describe('EventStreams', () => {
  const servers: StubServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  /** A feed of so many events, which every subscriber is given from where it was. Every seventh is sent otherwise. */
  async function follow(fault: Send, events = 70) {
    const byKind: Record<string, number> = {};
    let hasAll: () => void;
    const allSent = new Promise<void>((resolve) => (hasAll = resolve));
    const faulty = new Set<number>();
    const server = await StubServer.listen((req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      let number = Number(req.headers['last-event-id'] ?? 0);
      const next = (): void => {
        if (res.destroyed || res.writableEnded) return;
        if (++number > events) return hasAll();
        const isFirstTime = !faulty.has(number);
        if (number % 7 === 0 && isFirstTime) fault(res, number);
        else well(res, number);
        faulty.add(number);
        setTimeout(next, 2);
      };
      next();
    });
    servers.push(server);
    const url = server.url;
    const streams = new EventStreams({
      url,
      requests,
      timeoutMs: 10_000,
      streams: 1,
      reconnectMs: 5,
      onOutcome: ({ fault: found }) => {
        const kind = found?.kind ?? 'ok';
        byKind[kind] = (byKind[kind] ?? 0) + 1;
      },
    });
    void streams.run();
    await allSent;
    // The last ones have been sent: they are read before the end is.
    while ((byKind.ok ?? 0) + (byKind.lost ?? 0) < events) await new Promise((resolve) => setImmediate(resolve));
    return { byKind, counts: await streams.stop() };
  }

  const faults: [string, Send, Record<string, number>][] = [
    ['well', well, { ok: 71 }],
    ['never', () => undefined, { ok: 61, lost: 10 }],
    [
      'twice',
      (response, number) => {
        well(response, number);
        well(response, number);
      },
      { ok: 71, twice: 10 },
    ],
    [
      'behind an end, which is no loss',
      (response, number) => {
        well(response, number);
        response.end();
      },
      { ok: 71 },
    ],
    [
      'in half, with a cut',
      (response, number) => void response.write(`id: ${number}\nda`, () => response.destroy()),
      { ok: 71, 'cut-short': 10 },
    ],
    [
      'without a number',
      (response) => void response.write('id: seven\ndata: tick\n\n'),
      { ok: 61, lost: 10, malformed: 10 },
    ],
  ];

  it.each(faults)('is exact to the one when every seventh event is sent %s', async (_what, fault, expected) => {
    const { byKind, counts } = await follow(fault, 71);
    expect(byKind).toEqual(expected);
    const requests = Object.values(byKind).reduce((sum, each) => sum + each, 0);
    expect(counts).toEqual({ requests, failed: requests - byKind.ok!, underWay: 0 });
  });

  it('tells of a stream that is not given, and comes back', async () => {
    let asked = 0;
    let served: () => void;
    const isServed = new Promise<void>((resolve) => (served = resolve));
    const server = await StubServer.listen((_req, res) => {
      if (++asked < 3) return void res.writeHead(503).end();
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      well(res, 1);
      served();
    });
    servers.push(server);
    const kinds: string[] = [];
    const streams = new EventStreams({
      url: server.url,
      requests,
      timeoutMs: 10_000,
      streams: 1,
      reconnectMs: 5,
      onOutcome: ({ fault }) => kinds.push(fault?.kind ?? 'ok'),
    });
    void streams.run();
    await isServed;
    while (kinds.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await streams.stop();
    expect(kinds).toEqual(['status-503', 'status-503', 'ok']);
  });

  const tries: [string, (response: ServerResponse) => void, string | undefined][] = [
    ['its ids do not count', (res) => void res.write('id: a1\ndata: tick\n\n'), 'malformed'],
    ['it has none', (res) => void res.write('data: tick\n\n'), 'malformed'],
    ['nothing comes', () => undefined, 'timed-out'],
    ['it ends before its first event', (res) => void res.end(), 'cut-short'],
    ['it counts', (res) => well(res, 3), undefined],
  ];

  it.each(tries)('tries a stream: %s', async (_what, send, kind) => {
    const server = await StubServer.listen((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.flushHeaders();
      send(res);
    });
    servers.push(server);
    const streams = new EventStreams({ url: server.url, requests, timeoutMs: 2_000, streams: 1 });
    expect((await streams.try(0))?.kind).toBe(kind);
  });
});
