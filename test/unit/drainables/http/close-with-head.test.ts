import { beforeEach, describe, expect, it } from '@jest/globals';
import { IncomingMessage, ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { closeWithHead } from '../../../../src/drainables/http/close-with-head.js';

let response: ServerResponse;
let wire: string;
let isWanted: boolean;
let said: number;

beforeEach(() => {
  wire = '';
  said = 0;
  isWanted = true;
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      wire += chunk.toString('latin1');
      done();
    },
  }) as unknown as Socket;
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.httpVersionMajor = request.httpVersionMinor = 1;
  response = new ServerResponse(request);
  response.shouldKeepAlive = true;
  response.assignSocket(socket);
});

const watch = () =>
  closeWithHead(
    response,
    () => isWanted,
    () => said++,
  );
const connectionHeaders = () => wire.match(/^connection: .*$/gim);

/**
 * Every way in which an application, a proxy or a relay writes the head, most of them with a `Connection` of its own.
 */
const heads: Record<string, (response: ServerResponse) => unknown> = {
  'end() alone': (each) => each.end('a'),
  'write() alone': (each) => each.write('a') && each.end(),
  'flushHeaders()': (each) => (each.flushHeaders(), each.end()),
  'setHeader()': (each) => each.setHeader('Connection', 'keep-alive').end('a'),
  'an object': (each) => each.writeHead(200, { connection: 'keep-alive', 'x-a': '1' }).end('a'),
  'an object behind setHeader()': (each) =>
    each.setHeader('x-a', '1').writeHead(200, { CONNECTION: 'keep-alive' }).end('a'),
  'an object and a status message': (each) => each.writeHead(200, 'Fine', { Connection: 'keep-alive' }).end('a'),
  'an object in the third place': (each) =>
    each.writeHead(200, undefined as unknown as string, { Connection: 'keep-alive' }).end('a'),
  'a status message': (each) => each.setHeader('connection', 'keep-alive').writeHead(200, 'Fine').end('a'),
  'a flat list': (each) => each.writeHead(200, ['x-a', '1', 'connection', 'keep-alive'] as never).end('a'),
  'a list of pairs': (each) =>
    each
      .writeHead(200, [
        ['x-a', '1'],
        ['Connection', 'keep-alive'],
      ] as never)
      .end('a'),
  'writeHeader()': (each) =>
    (each as ServerResponse & { writeHeader: ServerResponse['writeHead'] })
      .writeHeader(200, { Connection: 'keep-alive' })
      .end('a'),
};

describe.each(Object.entries(heads))('A head written by %s', (_, write) => {
  it('says close, once, whatever connection it names itself', () => {
    watch();
    write(response);
    expect(connectionHeaders()).toHaveLength(1);
    expect(connectionHeaders()![0]).toMatch(/^connection: close$/i);
    expect(said).toBe(1);
  });

  it('is what it was when close is not wanted any longer', () => {
    watch();
    isWanted = false;
    write(response);
    expect(connectionHeaders()?.[0]).toMatch(/^connection: keep-alive$/i);
    expect(said).toBe(0);
  });
});

describe('closeWithHead', () => {
  it('keeps all other headers, the status and its message', () => {
    watch();
    response.setHeader('X-Early', 'yes');
    response.writeHead(201, 'Fine', { 'X-Late': 'yes', 'Set-Cookie': ['a', 'b'] }).end('a');
    expect(wire).toMatch(/^HTTP\/1\.1 201 Fine\r\n/);
    for (const line of ['X-Early: yes', 'X-Late: yes', 'Set-Cookie: a', 'Set-Cookie: b']) expect(wire).toContain(line);
  });

  it("does not change the application's own object or list", () => {
    const headers = Object.freeze({ Connection: 'keep-alive' });
    watch();
    response.writeHead(200, headers).end();
    expect(headers).toEqual({ Connection: 'keep-alive' });
  });

  it('has nothing said when the head cannot be written', () => {
    watch();
    expect(() => response.writeHead(42)).toThrow();
    expect(said).toBe(0);
    response.end();
    expect(said).toBe(1);
    expect(() => response.writeHead(200)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }));
    expect(said).toBe(1);
  });

  it('leaves a response alone whose head is out', () => {
    response.writeHead(200);
    const { writeHead } = response;
    watch();
    expect(response.writeHead).toBe(writeHead);
  });
});
