import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { StrictClients, type StrictClientsOptions } from '../../../src/drill/index.js';
import { StubServer } from './stub-server.js';

const mix = [{ name: 'get', method: 'GET', path: '/', expect: { status: 200, body: 'right' } }];

describe('StrictClients', () => {
  const servers: StubServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  /** Serves every request well, but every `k`-th with `fault`. */
  async function everyKth(k: number, fault: (req: IncomingMessage, res: ServerResponse) => void): Promise<StubServer> {
    let served = 0;
    const server = await StubServer.listen((req, res) => (++served % k === 0 ? fault(req, res) : res.end('right')));
    servers.push(server);
    return server;
  }

  const ask = (server: StubServer, options: Partial<StrictClientsOptions> = {}) =>
    new StrictClients({ url: server.url, clients: 4, count: 200, mix, ...options }).run();

  const faults: [string, string, (req: IncomingMessage, res: ServerResponse) => void][] = [
    ['reset', 'a reset before the answer', (req) => req.socket.resetAndDestroy()],
    ['reset', 'a connection closed before the answer', (req) => req.socket.destroy()],
    ['reset', 'a head cut in the middle', (req) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
    [
      'cut-short',
      'fewer bytes than the length says',
      (req) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrig'),
    ],
    [
      'cut-short',
      'a missing last chunk',
      (req) => req.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nright\r\n'),
    ],
    [
      'cut-short',
      'a reset in the middle of the body',
      (req, res) => {
        res.writeHead(200, { 'Content-Length': 5 });
        res.write('rig', () => req.socket.resetAndDestroy());
      },
    ],
    [
      'cut-short',
      'an answer that ends with its connection, which cannot be told from a cut',
      (req) => req.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nright'),
    ],
    ['status-503', 'a 503', (_req, res) => void res.writeHead(503).end('right')],
    ['status-201', 'a status that is good, but not the right one', (_req, res) => void res.writeHead(201).end('right')],
    ['wrong-body', 'a whole answer with another body', (_req, res) => void res.end('wrong')],
    ['malformed', 'an answer that is not HTTP', (req) => req.socket.end('hello\r\n\r\n')],
  ];

  it.each(faults)('counts every %s: %s', async (kind, _what, fault) => {
    const server = await everyKth(10, fault);
    const report = await ask(server);
    expect(report).toMatchObject({ requests: 200, answered: 180, failed: 20, underWay: 0 });
    expect(report.failuresByKind).toEqual({ [kind]: 20 });
    expect(report.failures).toHaveLength(20);
    expect(server.requests).toBe(200);
  });

  it('counts every timed-out request, and does not use its connection again', async () => {
    const server = await everyKth(50, () => undefined);
    const report = await ask(server, { timeoutMs: 2_000 });
    expect(report.failuresByKind).toEqual({ 'timed-out': 4 });
    expect(report.answered).toBe(196);
    for (const { afterMs } of report.failures) expect(afterMs).toBeGreaterThanOrEqual(1_999);
  });

  it('counts every refused connection', async () => {
    const server = await everyKth(2, (_req, res) => void res.end('right'));
    await server.close();
    servers.pop();
    const report = await ask(server, { count: 20 });
    expect(report.failuresByKind).toEqual({ refused: 20 });
    expect(report.failures[0]).toMatchObject({ request: 'get', reusedConnection: false, localPort: undefined });
  });

  it('counts a reset of a connection it kept, and does not retry', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright');
        socket.once('data', () => socket.resetAndDestroy());
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const report = await new StrictClients({ url: `http://127.0.0.1:${port}`, clients: 1, count: 10, mix }).run();
    server.close();
    expect(report).toMatchObject({ answered: 5, failed: 5, connections: 5, failuresByKind: { reset: 5 } });
    expect(connections).toBe(5);
    for (const failure of report.failures) expect(failure.reusedConnection).toBe(true);
  });

  it('opens a new connection when the server has closed the kept one with a FIN', async () => {
    // The FIN follows the answer in one turn: it is there when the client has read the answer and thinks.
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const report = await new StrictClients({ url, clients: 1, count: 50, thinkMs: 5, mix }).run();
    server.close();
    expect(report).toMatchObject({ answered: 50, failed: 0, connections: 50 });
  });

  it('holds one connection a client, and keeps it', async () => {
    const server = await everyKth(1, (_req, res) => void res.end('right'));
    const report = await ask(server);
    expect(report.connections).toBe(4);
    expect(server.connections).toBe(4);
  });

  it('opens a new connection after being told to leave', async () => {
    const server = await everyKth(10, (_req, res) => void res.setHeader('Connection', 'close').end('right'));
    const report = await ask(server, { clients: 1 });
    expect(report).toMatchObject({ answered: 200, failed: 0, connections: 20 });
    expect(server.connections).toBe(20);
  });

  it('sends the mix as its weights say, and the bodies with it', async () => {
    const seen: Record<string, number> = {};
    const server = await everyKth(1, (req, res) => {
      let body = '';
      req.on('data', (chunk) => (body += chunk));
      req.on('end', () => {
        const key = `${req.method} ${req.url} ${body}`;
        seen[key] = (seen[key] ?? 0) + 1;
        res.writeHead(req.method === 'POST' ? 201 : 200).end(body);
      });
    });
    const report = await ask(server, {
      clients: 1,
      mix: [
        { name: 'read', method: 'GET', path: '/things', weight: 3, expect: { body: 0 } },
        {
          name: 'write',
          method: 'POST',
          path: '/things',
          body: 'new',
          expect: { status: 201, body: (bytes) => bytes.toString() === 'new' },
        },
      ],
    });
    expect(report.failed).toBe(0);
    expect(seen).toEqual({ 'GET /things ': 150, 'POST /things new': 50 });
  });

  it('lets requests under way have their answers when it is stopped', async () => {
    const held: ServerResponse[] = [];
    let heldAll = (): void => undefined;
    const allHeld = new Promise<void>((resolve) => (heldAll = resolve));
    const server = await everyKth(1, (_req, res) => void (held.push(res) === 4 && heldAll()));
    const clients = new StrictClients({ url: server.url, clients: 4, mix });
    void clients.run();
    await allHeld;
    expect(clients.counts()).toMatchObject({ underWay: 4, requests: 0 });
    const stopped = clients.stop();
    for (const res of held) res.end('right');
    expect(await stopped).toMatchObject({ requests: 4, answered: 4, failed: 0 });
    expect(clients.run()).toBe(stopped);
  });

  it('keeps a fixed rate, and counts the wait of a request that was due', async () => {
    const server = await everyKth(1, (_req, res) => void setTimeout(() => res.end('right'), 30));
    // One client, due every 10 ms, answered after 30: the 20th begins about 400 ms late.
    const report = await ask(server, { clients: 1, count: 20, ratePerSecond: 100 });
    expect(report.failed).toBe(0);
    expect(report.latency.maxMs).toBeGreaterThan(300);
    const relaxed = await ask(server, { clients: 4, count: 20, ratePerSecond: 100 });
    expect(relaxed.durationMs).toBeGreaterThan(190);
    expect(relaxed.latency.p50Ms).toBeLessThan(report.latency.maxMs);
  });
});
