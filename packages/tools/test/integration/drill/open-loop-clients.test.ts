import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Worker } from 'node:worker_threads';
import {
  Http1Client,
  OpenLoopClients,
  StrictClients,
  TcpBalancer,
  type OpenLoopOptions,
  type RequestOutcome,
} from '../../../src/drill/index.js';
import { StubServer } from './stub-server.js';

const answer = 'the right answer';
const mix = [{ name: 'GET /', method: 'GET', path: '/', expect: { status: 200, body: answer.length } }];

const clientOf =
  (url: string, timeoutMs = 10_000) =>
  () =>
    new Http1Client({ url, requests: mix, timeoutMs });

describe('OpenLoopClients', () => {
  const servers: StubServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function serve(handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<StubServer> {
    const server = await StubServer.listen(handle);
    servers.push(server);
    return server;
  }

  /** Serves every request well, but every `k`-th with `fault`. */
  function everyKth(k: number, fault: (req: IncomingMessage, res: ServerResponse) => void): Promise<StubServer> {
    let served = 0;
    return serve((req, res) => (++served % k === 0 ? fault(req, res) : res.end(answer)));
  }

  async function ask(url: string, { timeoutMs, ...options }: Partial<OpenLoopOptions & { timeoutMs: number }> = {}) {
    const outcomes: RequestOutcome[] = [];
    const clients = new OpenLoopClients({
      client: clientOf(url, timeoutMs),
      ratePerSecond: 1_000,
      count: 700,
      ...options,
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        options.onOutcome?.(outcome);
      },
    });
    const counts = await clients.run();
    const byKind: Record<string, number> = {};
    for (const { fault } of outcomes) if (fault) byKind[fault.kind] = (byKind[fault.kind] ?? 0) + 1;
    return { counts, outcomes, byKind, begunAt: clients.begunAt! };
  }

  const faults: [string, string, (req: IncomingMessage, res: ServerResponse) => void][] = [
    ['reset', 'dropped', (req) => req.socket.destroy()],
    ['reset', 'reset', (req) => req.socket.resetAndDestroy()],
    [
      'cut-short',
      'truncated',
      (req) => req.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\nthe right`),
    ],
    [
      'cut-short',
      'reset in the body',
      (req, res) => {
        res.writeHead(200, { 'Content-Length': answer.length });
        res.write('the right', () => req.socket.resetAndDestroy());
      },
    ],
    ['wrong-length', 'shorter than it must be', (_req, res) => void res.end('the right')],
    [
      'wrong-length',
      'longer than its own length says',
      (req) => req.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer} and more`),
    ],
    ['status-500', 'an error', (_req, res) => void res.writeHead(500).end(answer)],
    ['status-503', 'a refusal', (_req, res) => void res.writeHead(503).end(answer)],
    ['malformed', 'no HTTP', (req) => req.socket.end('hello\r\n\r\n')],
  ];

  it.each(faults)('counts every %s to the one: %s', async (kind, _what, fault) => {
    const server = await everyKth(7, fault);
    const { counts, byKind, outcomes } = await ask(server.url);
    expect(counts).toEqual({ requests: 700, failed: 100, underWay: 0 });
    expect(byKind).toEqual({ [kind]: 100 });
    expect(outcomes).toHaveLength(700);
    expect(server.requests).toBe(700);
  });

  it('counts to the one through the balancer, too', async () => {
    const server = await everyKth(7, (req) => req.socket.resetAndDestroy());
    const balancer = await behindBalancer(server);
    const { counts, byKind } = await ask(balancer.url);
    await balancer.close();
    expect(counts).toEqual({ requests: 700, failed: 100, underWay: 0 });
    expect(byKind).toEqual({ reset: 100 });
  });

  it('charges every delay, and counts those that took too long', async () => {
    const server = await everyKth(10, (_req, res) => void setTimeout(() => res.end(answer), 800));
    const { outcomes, byKind } = await ask(server.url, { count: 200, ratePerSecond: 200 });
    expect(byKind).toEqual({});
    // A busy machine may add some of its own.
    expect(outcomes.filter(({ dueAt, endedAt }) => endedAt - dueAt >= 790).length).toBeGreaterThanOrEqual(20);

    const silent = await everyKth(10, () => undefined);
    const late = await ask(silent.url, { count: 200, ratePerSecond: 200, timeoutMs: 3_000 });
    expect(late.byKind).toEqual({ 'timed-out': 20 });
  });

  it('counts a connection that is refused', async () => {
    const server = await everyKth(2, (_req, res) => void res.end(answer));
    await server.close();
    servers.pop();
    const { byKind, outcomes } = await ask(server.url, { count: 50 });
    expect(byKind).toEqual({ refused: 50 });
    expect(outcomes.every(({ localPort }) => localPort === undefined)).toBe(true);
  });

  it('makes every request due at its time, whatever the answers', async () => {
    const server = await everyKth(3, (_req, res) => void setTimeout(() => res.end(answer), 40));
    const { outcomes, begunAt } = await ask(server.url, { count: 100, ratePerSecond: 200 });
    const due = outcomes.map(({ dueAt }) => dueAt - begunAt).sort((a, b) => a - b);
    due.forEach((dueMs, turn) => expect(dueMs).toBeCloseTo(turn * 5, 6));
    for (const { dueAt, sentAt } of outcomes) expect(sentAt).toBeGreaterThanOrEqual(dueAt);
  });

  it('charges a stall to every request that was due in it', async () => {
    // From the 51st request on, nothing is answered for half a second.
    let served = 0;
    let stalledAt = 0;
    const stallMs = 500;
    const server = await serve((_req, res) => {
      if (++served === 51) stalledAt = performance.now();
      const leftMs = served > 50 ? stalledAt + stallMs - performance.now() : 0;
      if (leftMs > 0) setTimeout(() => res.end(answer), leftMs);
      else res.end(answer);
    });
    // So few connections that most of them are sent only when it is over.
    const { outcomes, byKind } = await ask(server.url, {
      count: 200,
      ratePerSecond: 200,
      connections: 4,
      maxConnections: 4,
      freshShare: 0,
    });
    expect(byKind).toEqual({});
    const dueInStall = outcomes.filter(({ dueAt }) => dueAt >= stalledAt && dueAt < stalledAt + stallMs - 20);
    // A closed loop would have charged four of them. On a busy machine the stall begins late, and fewer are left.
    expect(dueInStall.length).toBeGreaterThan(20);
    for (const { dueAt, endedAt } of dueInStall)
      expect(endedAt).toBeGreaterThanOrEqual(Math.max(dueAt, stalledAt + stallMs) - 2);
    const waited = dueInStall.filter(({ dueAt, sentAt }) => sentAt > dueAt && sentAt >= stalledAt + stallMs - 2);
    expect(waited.length).toBeGreaterThanOrEqual(dueInStall.length - 4);
  });

  it('does not use a connection that the server has closed with a FIN while this process stood still', async () => {
    const server = await closingServer();
    for (let round = 0; round < 5; round++) {
      const { byKind } = await ask(`http://127.0.0.1:${server.port}`, {
        count: 2,
        ratePerSecond: 20,
        connections: 1,
        freshShare: 0,
        onOutcome: ({ number }) => number === 0 && setImmediate(() => server.standStill()),
      });
      expect(byKind).toEqual({});
    }
    await server.close();
  });

  it('keeps its connections, opens more when none is free, and gives some requests one of their own', async () => {
    const server = await everyKth(1, (_req, res) => void res.end(answer));
    const kept = await ask(server.url, { count: 60, ratePerSecond: 60, connections: 8, freshShare: 0 });
    expect(server.connections).toBeGreaterThanOrEqual(8);
    // A busy machine has many due at once.
    expect(server.connections).toBeLessThanOrEqual(Math.max(8, mostAtOnce(kept.outcomes)));

    const before = server.connections;
    const { outcomes } = await ask(server.url, { count: 60, ratePerSecond: 60, connections: 8, freshShare: 0.5 });
    expect(server.connections - before).toBeGreaterThanOrEqual(30);
    expect(outcomes.filter(({ reusedConnection }) => !reusedConnection).length).toBe(server.connections - before);
  });

  it('lets what was due have its outcome when it is stopped, and ends it when it is cancelled', async () => {
    const server = await serve(() => undefined);
    const clients = new OpenLoopClients({ client: clientOf(server.url, 60_000), ratePerSecond: 1_000 });
    const run = clients.run();
    while (server.requests < 10) await new Promise((resolve) => setImmediate(resolve));
    expect(clients.stop()).toBe(run);
    const { underWay } = clients.counts();
    expect(underWay).toBeGreaterThanOrEqual(10);
    expect(await clients.cancel()).toMatchObject({ failed: underWay, underWay: 0 });
  });

  it.each([
    { ratePerSecond: 0 },
    { ratePerSecond: NaN },
    { freshShare: 1.1 },
    { connections: 0 },
    { client: () => new Http1Client({ url: 'http://127.0.0.1:1', requests: [], timeoutMs: 1 }) },
  ])('refuses %j', (options) => {
    const client = clientOf('http://127.0.0.1:1');
    expect(() => new OpenLoopClients({ client, ratePerSecond: 1, ...options })).toThrow(RangeError);
  });

  it('loses none of 6,000 requests through the balancer when nothing is rolled', async () => {
    const leave = (res: ServerResponse) => res.setHeader('Connection', 'close');
    const replicas = await Promise.all([1, 2, 3].map(() => everyKth(20, (_req, res) => void leave(res).end(answer))));
    const balancer = await behindBalancer(...replicas);
    // As fast as they are answered: an open loop would measure the machine.
    const report = await new StrictClients({ url: balancer.url, clients: 16, count: 6_000, mix }).run();
    await balancer.close();
    expect(report).toMatchObject({ requests: 6_000, failed: 0, failuresByKind: {} });
    // Told to leave now and then, they come back on another connection.
    expect(report.connections).toBeGreaterThan(200);
  }, 60_000);
});

/** How many of them were under way at the same time, at most. */
function mostAtOnce(outcomes: readonly RequestOutcome[]): number {
  const under = (at: number) => outcomes.filter(({ sentAt, endedAt }) => sentAt <= at && at <= endedAt).length;
  return Math.max(...outcomes.map(({ sentAt }) => under(sentAt)));
}

/** A server in another thread, which closes what it has answered, with a FIN, when this one stands still. */
async function closingServer() {
  const closings = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { parentPort, workerData: closings } = require('node:worker_threads');
    const answered = new Set();
    const server = require('node:net').createServer((socket) => {
      socket.on('data', () => {
        if (socket.writableEnded) return;
        socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: ${answer.length}\\r\\n\\r\\n${answer}');
        answered.add(socket);
      });
    });
    parentPort.on('message', async () => {
      await Promise.all([...answered].map((socket) => new Promise((resolve) => socket.end(resolve))));
      answered.clear();
      Atomics.add(closings, 0, 1);
      Atomics.notify(closings, 0);
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: closings },
  );
  const [port] = (await once(worker, 'message')) as [number];
  return {
    port,
    /** Until the connections have been closed, and the next request is due. */
    standStill: () => {
      const dueAt = performance.now() + 60;
      const before = Atomics.load(closings, 0);
      worker.postMessage('close');
      Atomics.wait(closings, 0, before, 5_000);
      while (performance.now() < dueAt);
    },
    close: () => worker.terminate(),
  };
}

async function behindBalancer(...replicas: readonly StubServer[]): Promise<TcpBalancer> {
  // The stubs answer 200 at any path. A probe counts as a request of theirs: there is one, and no more in the time of a
  // test.
  const balancer = await TcpBalancer.listen({ readinessPath: '/health/ready', probePeriodMs: 60_000 });
  for (const replica of replicas) {
    await balancer.add(replica);
    await balancer.whenInRotation(replica);
  }
  return balancer;
}
