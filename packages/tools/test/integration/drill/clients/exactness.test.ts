import { afterAll, describe, expect, it } from '@jest/globals';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type WebSocket } from 'ws';
import { type ClientOf } from '../../../../src/drill/clients/client.js';
import { Http1Client } from '../../../../src/drill/clients/http1.js';
import { Http2Client } from '../../../../src/drill/clients/http2.js';
import { webSocketClient } from '../../../../src/drill/clients/websocket.js';
import { OpenLoopClients } from '../../../../src/drill/open-loop-clients.js';
import { type Stub, stubHttp2, stubHttps, stubWebSockets } from './stub-protocols.js';

const answer = 'the right answer';
const count = 140;
const wrong = count / 7;
const requests = [{ name: 'GET /', method: 'GET', path: '/', expect: { status: 200, body: answer } }];
/** TLS takes its time where others work beside. */
const timeoutMs = 5_000;

describe('What is counted', () => {
  // The tests of this file run side by side: each waits for clients of its own most of its time.
  const stubs: Stub[] = [];
  afterAll(async () => {
    await Promise.all(stubs.map((stub) => stub.close()));
  });

  async function stub(starting: Promise<Stub>): Promise<Stub> {
    const started = await starting;
    stubs.push(started);
    return started;
  }

  /** Calls `fault` every seventh time. */
  function everySeventh<Args extends unknown[]>(well: (...args: Args) => void, fault: (...args: Args) => void) {
    let served = 0;
    return (...args: Args): void => (++served % 7 === 0 ? fault(...args) : well(...args));
  }

  describe('over HTTPS', () => {
    const well = (_req: IncomingMessage, res: ServerResponse): void => void res.end(answer);
    const client = (port: number, insecure = true) =>
      new Http1Client({ url: `https://127.0.0.1:${port}`, requests, timeoutMs, insecure });
    const faults: [string, string | undefined, typeof well][] = [
      ['dropped', 'reset', (req) => req.socket.destroy()],
      ['delayed', undefined, (_req, res) => void setTimeout(() => res.end(answer), 150)],
      ['never given', 'timed-out', () => undefined],
      [
        'doubled',
        'wrong-length',
        (req) => req.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}${answer}`),
      ],
      ['cut', 'cut-short', (req) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nthe')],
      ['a lie', 'wrong-body', (_req, res) => void res.end('the wrong answer')],
      ['an error', 'status-503', (_req, res) => void res.writeHead(503).end(answer)],
    ];

    it.concurrent.each(faults)('is exact to the one when every seventh answer is %s', async (_what, kind, fault) => {
      const { port } = await stub(stubHttps(everySeventh(well, fault)));
      expect(await asked(() => client(port))).toEqual(outcomesOf(kind));
    });

    it.concurrent(
      'is everything when nobody vouches for the certificate, and that was not asked to be overlooked',
      async () => {
        const { port } = await stub(stubHttps(well));
        const result = await asked(() => client(port, false), 20);
        expect(result).toMatchObject({ counts: { requests: 20, failed: 20 }, byKind: { other: 20 } });
      },
    );
  });

  describe.each([
    ['h2c', 'http', false],
    ['HTTP/2 over TLS', 'https', true],
  ] as const)('over %s', (_protocol, scheme, isTls) => {
    const well = (stream: ServerHttp2Stream): void => {
      stream.respond({ ':status': 200 });
      stream.end(answer);
    };
    const client = (port: number) =>
      new Http2Client({ url: `${scheme}://127.0.0.1:${port}`, requests, timeoutMs, insecure: true });
    const faults: [string, string | undefined, typeof well][] = [
      ['dropped', 'reset', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
      ['delayed', undefined, (stream) => void setTimeout(() => well(stream), 150)],
      ['never given', 'timed-out', () => undefined],
      [
        'doubled',
        'wrong-body',
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.write(answer);
          stream.end(answer);
        },
      ],
      [
        'cut',
        'cut-short',
        (stream) => {
          stream.respond({ ':status': 200 });
          // A close would say that the answer is over.
          stream.write('the right', () => stream.destroy(new Error('cut')));
        },
      ],
      [
        'a lie',
        'wrong-body',
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.end('the wrong answer');
        },
      ],
      [
        'an error',
        'status-503',
        (stream) => {
          stream.respond({ ':status': 503 });
          stream.end(answer);
        },
      ],
    ];

    it.concurrent.each(faults)('is exact to the one when every seventh answer is %s', async (_what, kind, fault) => {
      const { port } = await stub(stubHttp2(everySeventh(well, fault), isTls));
      expect(await asked(() => client(port))).toEqual(outcomesOf(kind));
    });

    it.concurrent('counts every seventh answer that takes its connection with it', async () => {
      let taken = 0;
      const take = (stream: ServerHttp2Stream): void => {
        taken++;
        stream.respond({ ':status': 200 });
        stream.write('the right', () => stream.session!.destroy());
      };
      const { port } = await stub(stubHttp2(everySeventh(well, take), isTls));
      // The answers are well apart from each other, unless a busy machine has many due at once: some go with it then.
      const { counts, byKind } = await asked(() => client(port), 70, 50);
      expect(counts.requests).toBe(70);
      expect(taken).toBeGreaterThan(0);
      expect(counts.failed).toBeGreaterThanOrEqual(taken);
      // The connection may end before the head is out.
      expect((byKind['cut-short'] ?? 0) + (byKind.reset ?? 0)).toBe(counts.failed);
    });

    it.concurrent('sends what was refused unseen again, once, on another connection', async () => {
      let served = 0;
      let refused = 0;
      const { port } = await stub(
        stubHttp2((stream) => {
          // The first stream of a connection has the id 1.
          if (++served % 7 !== 0 || stream.id === 1) return well(stream);
          refused++;
          stream.close(constants.NGHTTP2_REFUSED_STREAM);
        }, isTls),
      );
      const result = await asked(() => client(port));
      expect(refused).toBeGreaterThan(0);
      expect(result).toEqual({ ...outcomesOf(undefined), repeated: refused });
    });

    it.concurrent('counts what is refused unseen twice', async () => {
      let served = 0;
      const { port } = await stub(
        stubHttp2((stream) => {
          served++;
          stream.close(constants.NGHTTP2_REFUSED_STREAM);
        }, isTls),
      );
      const result = await asked(() => client(port), 20);
      expect(result).toMatchObject({ byKind: { refused: 20 }, repeated: 20 });
      expect(served).toBe(40);
    });

    it.concurrent('sends nothing more on a connection that was told to go away, and refuses nothing then', async () => {
      let served = 0;
      const { port } = await stub(
        stubHttp2((stream) => {
          well(stream);
          if (++served % 7 === 0) stream.session!.close();
        }, isTls),
      );
      const result = await asked(() => client(port), 70, 50);
      expect(result).toMatchObject({ counts: { requests: 70, failed: 0 }, byKind: {} });
    });
  });

  describe('over WebSockets', () => {
    const well = (socket: WebSocket, message: string): void => socket.send(message);
    const messages = [{ name: '/', method: 'GET', path: '/' }];
    const client = (port: number) => webSocketClient({ url: `ws://127.0.0.1:${port}`, requests: messages, timeoutMs });
    const faults: [string, string | undefined, typeof well][] = [
      ['dropped, with its connection', 'bad-close', (socket) => socket.terminate()],
      ['dropped by a connection that goes away', 'reset', (socket) => socket.close(1001)],
      ['dropped by a connection that ends well', 'bad-close', (socket) => socket.close(1000)],
      ['delayed', undefined, (socket, message) => void setTimeout(() => socket.send(message), 150)],
      ['never given', 'timed-out', () => undefined],
      [
        'doubled',
        'twice',
        (socket, message) => {
          socket.send(message);
          socket.send(message);
        },
      ],
      ['a lie', 'wrong-body', (socket) => socket.send('something else')],
    ];

    it.concurrent.each(faults)('is exact to the one when every seventh answer is %s', async (_what, kind, fault) => {
      const { port } = await stub(stubWebSockets(everySeventh(well, fault)));
      expect(await asked(client(port))).toEqual(outcomesOf(kind));
    });

    it.concurrent.each([
      [1001, {}],
      [1012, {}],
      [1000, { 'bad-close': 10 }],
      [4000, { 'bad-close': 10 }],
    ])('has the connections that are ended with %d beside the messages', async (code, byKind) => {
      const kept = everySeventh(well, (socket, message) => {
        socket.send(message);
        socket.close(code);
      });
      const { port } = await stub(stubWebSockets(kept));
      // The last that is ended has others behind it.
      const { byKind: found, counts } = await asked(client(port), 76, 200, 0);
      expect(found).toEqual(byKind);
      expect(counts.requests).toBe(76 + (Object.values(byKind)[0] ?? 0));
    });
  });

  /** What comes of so many requests of a client. Late faults are counted like others. */
  async function asked(client: ClientOf, number = count, ratePerSecond = 70, freshShare = 0.1) {
    const kinds = new Map<number, string>();
    let repeated = 0;
    const clients = new OpenLoopClients({
      client,
      ratePerSecond,
      freshShare,
      count: number,
      connections: 8,
      onOutcome: ({ number: each, fault, isRepeated }) => {
        if (isRepeated) repeated++;
        if (fault) kinds.set(each, fault.kind);
      },
      onLateFault: (each, fault) => kinds.set(each, fault.kind),
    });
    const counts = await clients.run();
    const byKind: Record<string, number> = {};
    for (const kind of kinds.values()) byKind[kind] = (byKind[kind] ?? 0) + 1;
    return { counts: clients.counts(), byKind, repeated, isSame: counts.failed === kinds.size };
  }

  function outcomesOf(kind: string | undefined) {
    return {
      counts: { requests: count, failed: kind ? wrong : 0, underWay: 0 },
      byKind: kind ? { [kind]: wrong } : {},
      repeated: 0,
      isSame: true,
    };
  }
});
