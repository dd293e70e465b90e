import { afterEach, describe, expect, it } from '@jest/globals';
import { probe } from '../../../src/drill/probe.js';
import { freePort } from '../../../src/drill/free-port.js';
import { type Stub, stubHttp2, stubHttps } from './clients/stub-protocols.js';
import { StubServer } from './stub-server.js';

describe('probe', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });

  async function opened<Each extends { close(): Promise<void> }>(starting: Promise<Each>): Promise<Each> {
    open.push(await starting);
    return open.at(-1) as Each;
  }

  const ask = (port: number, path: string) => probe({ host: '127.0.0.1', port }, path, 2_000);

  it('asks a path over HTTP, and over TLS whatever the certificate is', async () => {
    const plain = await opened(StubServer.listen((req, res) => res.writeHead(req.url === '/ready' ? 204 : 503).end()));
    const secure = await opened(stubHttps((req, res) => res.writeHead(req.url === '/ready' ? 200 : 503).end()));
    expect(await ask(plain.port, '/ready')).toBe(204);
    expect(await ask(plain.port, '/other')).toBe(503);
    expect(await ask(secure.port, 'https:/ready')).toBe(200);
    expect(await ask(secure.port, 'https:/other')).toBe(503);
    expect(await ask(secure.port, '/ready')).toBeUndefined();
  });

  it.each([
    ['h2c', false],
    ['h2', true],
  ] as const)('asks a path over %s', async (scheme, isTls) => {
    const stub = await opened(
      stubHttp2((stream, headers) => {
        stream.respond({ ':status': headers[':path'] === '/ready' ? 200 : 503 });
        stream.end();
      }, isTls),
    );
    expect(await ask(stub.port, `${scheme}:/ready`)).toBe(200);
    expect(await ask(stub.port, `${scheme}:/other`)).toBe(503);
  });

  it('asks the health service of gRPC, whose answer has its own status', async () => {
    const health = (status: number): Promise<Stub> =>
      stubHttp2((stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
      }, false);
    const serving = await opened(health(1));
    const leaving = await opened(health(2));
    expect(await ask(serving.port, 'grpc:')).toBe(200);
    expect(await ask(leaving.port, 'grpc:')).toBe(503);
  });

  it('takes an open port for an answer, where that was asked for', async () => {
    const stub = await opened(StubServer.listen(() => undefined));
    expect(await ask(stub.port, 'tcp:')).toBe(200);
    for (const path of ['tcp:', '/', 'h2c:/', 'grpc:', 'https:/']) {
      expect(await ask(await freePort(), path)).toBeUndefined();
    }
  });

  it('does not wait longer than it is told', async () => {
    const stub = await opened(StubServer.listen(() => undefined));
    expect(await probe({ host: '127.0.0.1', port: stub.port }, '/', 50)).toBeUndefined();
  });
});
