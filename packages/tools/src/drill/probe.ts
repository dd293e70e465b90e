import { get } from 'node:http';
import { get as getOverTls } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { Backend } from './balancer.js';
import { overdueAfter } from './timing.js';

/**
 * Reports whether a backend's readiness path answers 200, on a connection of its own, as a kubelet asks.
 * Anything else (another status, no connection, no answer within `timeoutMs`, `signal` aborted) is `false`. Never
 * rejects.
 */
export async function isReady(
  backend: Backend,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await probe(backend, path, timeoutMs, signal)) === 200;
}

/**
 * The status that a path of a backend answers, as `isReady` asks; `undefined` when there is no answer. Never rejects.
 *
 * @param path asked over HTTP; or `https:/ready`, `h2c:/ready` and `h2:/ready`; `tcp:`, which is 200 when a connection is
 * accepted; `grpc:`, which is 200 when the health service says that it serves; `output:ready`, which cannot be asked, and
 * is 200. No certificate is looked at, as by a kubelet.
 */
export function probe(
  backend: Backend,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const [, scheme = 'http', rest = ''] = /^(?:([a-z0-9]+):)?(.*)$/s.exec(path)!;
  const within = AbortSignal.any([overdueAfter(timeoutMs), ...(signal ? [signal] : [])]);
  switch (scheme) {
    case 'output':
      return Promise.resolve(200);
    case 'tcp':
      return statusOfTcp(backend, within);
    case 'h2':
    case 'h2c':
      return statusOfHttp2(backend, scheme, { ':path': rest }, within);
    case 'grpc':
      return statusOfGrpc(backend, within);
    default:
      return statusOfHttp(backend, scheme === 'https' ? getOverTls : get, rest, within);
  }
}

function statusOfHttp(
  { host, port }: Backend,
  send: typeof getOverTls,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = send({ host, port, path, agent: false, signal, rejectUnauthorized: false }, (answer) => {
      resolve(answer.statusCode);
      answer.resume();
    });
    // What made it fail is told by the log of the backend, not by the probe.
    asked.on('error', () => undefined);
    asked.once('close', () => resolve(undefined));
  });
}

function statusOfTcp({ host, port }: Backend, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      resolve(200);
      socket.end();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(undefined));
    socket.resume();
  });
}

function statusOfHttp2(
  { host, port }: Backend,
  scheme: 'h2' | 'h2c',
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  body?: Buffer,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const origin = `${scheme === 'h2' ? 'https' : 'http'}://${host}:${port}`;
    const session = connectHttp2(origin, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    const stream = session.request(headers, { signal, endStream: body === undefined });
    if (body) stream.end(body);
    let status: number | undefined;
    const chunks: Buffer[] = [];
    stream.once('response', (received) => (status = Number(received[':status'])));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      session.destroy();
      resolve(body === undefined || isServing(Buffer.concat(chunks)) ? status : status && 503);
    });
  });
}

/** `grpc.health.v1.Health/Check` with an empty request: no service in particular. */
function statusOfGrpc(backend: Backend, signal: AbortSignal): Promise<number | undefined> {
  const headers = {
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  return statusOfHttp2(backend, 'h2c', headers, signal, Buffer.alloc(5));
}

/** The message has one field: `status = 1`, and 1 is SERVING. */
function isServing(answer: Buffer): boolean {
  return answer.subarray(5).equals(Buffer.from([8, 1]));
}
