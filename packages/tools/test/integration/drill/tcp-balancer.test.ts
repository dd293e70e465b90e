import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  StrictClients,
  TcpBalancer,
  type Backend,
  type Rotation,
  type TcpBalancerOptions,
} from '../../../src/drill/index.js';
import { StubServer } from './stub-server.js';

describe('TcpBalancer', () => {
  const toClose: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const thing of toClose.splice(0).reverse()) await thing.close();
  });

  const moves: string[] = [];
  let onMove = (): void => undefined;

  /** Resolves when the balancer has told of this move. */
  async function moved(backend: Backend, rotation: Rotation): Promise<void> {
    while (!moves.includes(`${backend.port} ${rotation}`)) await new Promise<void>((resolve) => (onMove = resolve));
  }

  async function balancer(options: Partial<TcpBalancerOptions> = {}): Promise<TcpBalancer> {
    moves.length = 0;
    const listening = await TcpBalancer.listen({
      readinessPath: '/ready',
      probePeriodMs: 10,
      onChange: ({ backend, rotation }) => {
        moves.push(`${backend.port} ${rotation}`);
        onMove();
      },
      ...options,
    });
    toClose.push(listening);
    return listening;
  }

  /** A backend that answers with its name, and its readiness with `status`. */
  async function backend(name: string, status: { ready: number } = { ready: 200 }): Promise<StubServer> {
    const server = await StubServer.listen((req, res) => {
      if (req.url === '/ready') return void res.writeHead(status.ready).end();
      let received = 0;
      req.on('data', (chunk: Buffer) => (received += chunk.length));
      req.on('end', () => res.end(`${name} ${received}`));
    });
    toClose.push(server);
    return server;
  }

  async function inRotation(through: TcpBalancer, ...backends: Backend[]): Promise<void> {
    for (const each of backends) await through.add(each);
    await Promise.all(backends.map((each) => through.whenInRotation(each)));
  }

  /**
   * A raw TCP backend; its readiness is answered beside it, so that what goes through the balancer is the test's alone.
   */
  async function rawBackend(serve: (socket: Socket) => void): Promise<Backend> {
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      toClose.push({ close: () => socket.destroy() });
      socket.on('error', () => undefined);
      socket.once('data', (head: Buffer) => {
        if (head.includes('GET /ready')) return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        socket.unshift(head);
        serve(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    toClose.push(server);
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  async function client(through: TcpBalancer): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: through.port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    toClose.push({ close: () => socket.destroy() });
    return socket;
  }

  /** What comes until the FIN. (Iterating over a socket would destroy it then, half open or not.) */
  async function readAll(socket: Socket): Promise<string> {
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    await once(socket, 'end');
    return text;
  }

  it('adds no failure of its own: 4,000 requests on kept and on fresh connections', async () => {
    const through = await balancer();
    const backends = [await backend('a'), await backend('b'), await backend('c')];
    await inRotation(through, ...backends);
    const upload = Buffer.alloc(100_000);
    const report = await new StrictClients({
      url: through.url,
      clients: 20,
      count: 4_000,
      mix: [
        { name: 'kept', method: 'GET', path: '/', weight: 16, expect: { body: 3 } },
        { name: 'fresh', method: 'GET', path: '/', weight: 3, headers: { Connection: 'close' }, expect: { body: 3 } },
        {
          name: 'upload',
          method: 'POST',
          path: '/',
          body: upload,
          expect: { body: (it) => / 100000$/.test(String(it)) },
        },
      ],
    }).run();
    expect(report.failures).toEqual([]);
    expect(report.answered).toBe(4_000);
    expect(report.connections).toBeGreaterThan(580);
  }, 60_000);

  it('gives each backend in rotation its turn', async () => {
    const through = await balancer();
    const backends = [await backend('a'), await backend('b'), await backend('c')];
    await inRotation(through, ...backends);
    await new StrictClients({
      url: through.url,
      clients: 3,
      count: 30,
      mix: [{ name: 'fresh', method: 'GET', path: '/', headers: { Connection: 'close' } }],
    }).run();
    expect(through.state().map(({ totalConnections }) => totalConnections)).toEqual([10, 10, 10]);
  });

  it('passes a FIN of the client on, and carries the answer that comes after it', async () => {
    const through = await balancer();
    // Answers only once the client has said that it is done.
    const raw = await rawBackend((socket) => void readAll(socket).then((text) => socket.end(`got ${text}`)));
    await inRotation(through, raw);
    const socket = await client(through);
    socket.end('everything');
    expect(await readAll(socket)).toBe('got everything');
  });

  it('passes a FIN of the backend on, and carries what the client sends after it', async () => {
    const through = await balancer();
    let received = (_text: string): void => undefined;
    const whole = new Promise<string>((resolve) => (received = resolve));
    const raw = await rawBackend((socket) => {
      socket.end('bye');
      void readAll(socket).then(received);
    });
    await inRotation(through, raw);
    const socket = await client(through);
    socket.write('hello');
    expect(await readAll(socket)).toBe('bye');
    socket.end(' and more');
    expect(await whole).toBe('hello and more');
  });

  it('passes a reset on in both directions', async () => {
    const through = await balancer();
    const fromBackend = await rawBackend((socket) => socket.resetAndDestroy());
    await inRotation(through, fromBackend);
    const reset = await client(through);
    reset.write('hello');
    const [toClient] = (await once(reset, 'error').catch((error: unknown) => [error])) as [NodeJS.ErrnoException];
    expect(toClient.code).toBe('ECONNRESET');
    await through.remove(fromBackend);

    let seen = (_error: NodeJS.ErrnoException): void => undefined;
    const toBackend = new Promise<NodeJS.ErrnoException>((resolve) => (seen = resolve));
    const fromClient = await rawBackend((socket) => {
      socket.once('error', seen);
      socket.write('go');
      socket.resume();
    });
    await inRotation(through, fromClient);
    const resetting = await client(through);
    resetting.write('hello');
    await once(resetting, 'data');
    resetting.resetAndDestroy();
    expect((await toBackend).code).toBe('ECONNRESET');
  });

  it('takes a backend out a lag after its first failed probe, and leaves its connections alone', async () => {
    const lagMs = 300;
    const through = await balancer({ lagMs });
    const status = { ready: 200 };
    const leaving = await backend('leaving', status);
    await inRotation(through, leaving);
    const kept = new StrictClients({
      url: through.url,
      clients: 1,
      mix: [{ name: 'kept', method: 'GET', path: '/', expect: { body: 'leaving 0' } }],
      thinkMs: 5,
    });
    void kept.run();

    status.ready = 503;
    await moved(leaving, 'leaving');
    const failedAt = performance.now();
    expect(through.isInRotation(leaving)).toBe(true);
    await moved(leaving, 'out');
    expect(performance.now() - failedAt).toBeGreaterThan(lagMs - 5);
    expect(through.isInRotation(leaving)).toBe(false);

    expect(through.state()[0]).toMatchObject({ rotation: 'out', openConnections: 1 });
    expect(await kept.stop()).toMatchObject({ failed: 0, connections: 1 });
    await expect(readAll(await client(through))).resolves.toBe('');

    moves.length = 0;
    status.ready = 200;
    await moved(leaving, 'in-rotation');
    expect(moves).toEqual([`${leaving.port} in-rotation`]);
  });

  it('keeps a backend in rotation that is ready again before the lag is over', async () => {
    const through = await balancer({ lagMs: 60_000 });
    const status = { ready: 200 };
    const wavering = await backend('wavering', status);
    await inRotation(through, wavering);
    status.ready = 503;
    await moved(wavering, 'leaving');
    moves.length = 0;
    status.ready = 200;
    await moved(wavering, 'in-rotation');
    expect(through.isInRotation(wavering)).toBe(true);
  });

  it('disconnects a client whose backend refuses, and tries no other', async () => {
    const through = await balancer({ lagMs: 60_000 });
    const gone = await backend('gone');
    await inRotation(through, gone);
    await gone.close();
    toClose.splice(toClose.indexOf(gone), 1);
    const there = await backend('there');
    await inRotation(through, there);
    const report = await new StrictClients({
      url: through.url,
      clients: 1,
      count: 20,
      mix: [{ name: 'fresh', method: 'GET', path: '/', headers: { Connection: 'close' } }],
    }).run();
    expect(report).toMatchObject({ answered: 10, failed: 10, failuresByKind: { reset: 10 } });
    for (const { localPort = 0 } of report.failures) expect(through.backendOf(localPort)).toBe(gone);
  });

  it('forgets a backend that is removed, and tells who waits for it', async () => {
    const through = await balancer();
    const never = await backend('never', { ready: 503 });
    await through.add(never);
    const waiting = through.whenInRotation(never);
    await through.remove(never);
    await expect(waiting).rejects.toThrow('was removed before it was in rotation');
    await expect(through.whenInRotation(never)).rejects.toThrow('add it first');
    expect(through.state()).toEqual([]);
  });

  it('ends every connection when it is closed', async () => {
    const through = await balancer();
    const raw = await rawBackend((socket) => socket.write('held'));
    await inRotation(through, raw);
    const socket = await client(through);
    socket.write('hello');
    await once(socket, 'data');
    const ended = once(socket, 'end');
    const closing = through.close();
    expect(through.close()).toBe(closing);
    await Promise.all([ended, closing]);
    socket.destroy();
  });
});
