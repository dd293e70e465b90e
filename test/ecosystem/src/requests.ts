import { type Script } from './client.js';

/** One request, or bytes, and what of the answer differs between two runs of the same application. */
export interface Request {
  readonly name: string;
  readonly script: Script;
  readonly varying?: readonly RegExp[];
  /** May be repeated, and stand in a pipeline. */
  readonly isPlainGet?: boolean;
}

export interface RequestParts {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly varying?: readonly RegExp[];
  /** Tells requests for one path apart. */
  readonly name?: string;
}

/** A request of a table: a line such as `GET /orders`, alone or with more. */
export type Row = string | readonly [line: string, parts: RequestParts] | Request;

const host = 'Host: ecosystem.test\r\n';

export function requestOf(row: Row): Request {
  if (typeof row === 'object' && 'script' in row) return row;
  const [line, parts] = typeof row === 'string' ? [row, {} as RequestParts] : row;
  return {
    name: parts.name ? `${line} (${parts.name})` : line,
    script: { parts: [messageOf(line, parts)], answersToHead: [line.startsWith('HEAD ')] },
    varying: parts.varying,
    isPlainGet: typeof row === 'string' && line.startsWith('GET '),
  };
}

export function messageOf(line: string, { headers = {}, body }: RequestParts = {}): string {
  const length = body === undefined || 'Transfer-Encoding' in headers ? {} : { 'Content-Length': String(body.length) };
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${'Host' in headers ? '' : host}${lines.join('')}\r\n${body ?? ''}`;
}

/** Bytes as they are. @param finals how many answers are waited for; 0: the connection's end is */
export function raw(name: string, bytes: string | readonly string[], finals = 1, varying?: readonly RegExp[]): Request {
  const parts = typeof bytes === 'string' ? [bytes] : bytes;
  return { name, script: { parts, answersToHead: Array<boolean>(finals).fill(false) }, varying };
}

export function json(value: unknown): RequestParts {
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

/**
 * A WebSocket of its own: each message is sent when the answer to the one before it has come (null: one more), then
 * it is closed.
 */
export function webSocket(line: string, messages: readonly unknown[], greeted = false): Request {
  const handshake = {
    ...{ Connection: 'Upgrade', Upgrade: 'websocket', Origin: 'https://shop.test' },
    ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
  };
  const frames = [
    ...messages.map((message) => (message === null ? '' : frame(1, JSON.stringify(message)))),
    frame(8, '\x03\xe8'),
  ];
  const parts = [messageOf(line, { headers: handshake }), ...(greeted ? [''] : []), ...frames];
  return { name: `${line} as a WebSocket`, script: { parts, answersToHead: [false] } };
}

/** As clients send it, masked with zeros. */
function frame(opcode: number, payload: string): string {
  return `${String.fromCharCode(0x80 | opcode, 0x80 | payload.length)}\0\0\0\0${payload}`;
}

/** A form of files and fields, as browsers send it. */
export function multipart(...parts: readonly { name: string; filename?: string; content: string }[]): RequestParts {
  const boundary = '----ecosystem';
  const body = parts.map(({ name, filename, content }) => {
    const file = filename ? `; filename="${filename}"\r\nContent-Type: text/plain` : '';
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${content}\r\n`;
  });
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: `${body.join('')}--${boundary}--\r\n`,
  };
}

/** What every application is asked, whatever it serves. */
const common: readonly Row[] = [
  'GET /nowhere',
  'HEAD /nowhere',
  'OPTIONS /nowhere',
  ['POST /nowhere', json({ a: 1 })],
  ['POST /nowhere', { ...json({}), body: '{"a":', name: 'malformed JSON' }],
  ['OPTIONS /held', { headers: { Origin: 'https://shop.test', 'Access-Control-Request-Method': 'POST' } }],
  ['GET /nowhere', { headers: { Connection: 'close' }, name: 'close' }],
  ['GET /nowhere', { headers: { Connection: 'Upgrade', Upgrade: 'nothing-known' }, name: 'upgrade' }],
  'GET /%E0%A4%A',
  'GET //nowhere//',
  raw('absolute URL', `GET http://ecosystem.test/nowhere HTTP/1.1\r\n${host}\r\n`),
  raw('OPTIONS *', `OPTIONS * HTTP/1.1\r\n${host}\r\n`),
  raw('HTTP/1.0', 'GET /nowhere HTTP/1.0\r\n\r\n', 0),
  raw('HTTP/1.0 keep-alive', 'GET /nowhere HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
  raw('no host', 'GET /nowhere HTTP/1.1\r\n\r\n', 0),
  raw('no HTTP', 'hello\r\n\r\n', 0),
  raw('unknown method', `BREW /nowhere HTTP/1.1\r\n${host}\r\n`, 0),
  raw('header without a name', `GET /nowhere HTTP/1.1\r\n${host}: x\r\n\r\n`, 0),
  raw('headers too large', `GET /nowhere HTTP/1.1\r\n${host}X-Large: ${'x'.repeat(17_000)}\r\n\r\n`, 0),
  raw('two lengths', `POST /nowhere HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 0),
  raw('broken chunk', `POST /nowhere HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`, 0),
  raw('CONNECT', `CONNECT ecosystem.test:443 HTTP/1.1\r\n${host}\r\n`, 0),
  raw('expect 100-continue', [
    `POST /nowhere HTTP/1.1\r\n${host}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n`,
    '{"a":1}',
  ]),
  raw('expect something else', `POST /nowhere HTTP/1.1\r\n${host}Expect: wonders\r\nContent-Length: 0\r\n\r\n`),
];

/**
 * A table of one application, as it is played: its own requests, those of all, its GETs on one connection, and in one
 * write.
 */
export function requestsOf(rows: readonly Row[]): Request[] {
  const own = rows.map(requestOf);
  const lines = own.filter(({ isPlainGet }) => isPlainGet).map(({ name }) => name);
  const messages = lines.map((line) => messageOf(line));
  const together: Request[] =
    lines.length === 0
      ? []
      : [raw('kept alive', messages, messages.length), raw('pipelined', messages.join(''), messages.length)];
  return [...own, ...common.map(requestOf), ...together];
}
