/** Strict raw clients: each sends one aimed request, sends nothing again, and knows how it ended. */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const now = () => Number(process.hrtime.bigint()) / 1e6;

/** A request without an end for this long is silent, ms. */
const silentMs = 4_000;

/** Resolves after some `ms`, fractions of one too. */
async function after(ms) {
  const at = now() + ms;
  while (now() < at) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * One aimed request. `outcome` is one of served, refused, unreachable (connection refused), unsent (told before it was
 * written), lost.
 */
class Aimed {
  outcome;
  /** What the client saw. */
  how = '';
  /** The client's port: the server knows the connection by it. */
  port;
  /** Instants: the connection was asked for, the request was written. */
  askedAt;
  writtenAt;
  endedAt;
  /** When the client began the poll that it wrote behind, and when it began to write. */
  lookedAt;
  writesAt;
  #settle;
  ended = new Promise((resolve) => (this.#settle = resolve));

  /** Only the first end counts. */
  end(outcome, how) {
    if (this.outcome) return;
    clearTimeout(this.timer);
    this.outcome = outcome;
    this.endedAt = now();
    this.how = how;
    this.#settle();
    // With the next turn: the server has nothing more to say that counts.
    setImmediate(() => this.socket.destroy());
  }

  open(port, isTls) {
    this.askedAt = now();
    const options = { port, host: '127.0.0.1', noDelay: true };
    this.socket = isTls
      ? connectTls({ ...options, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      : connect(options);
    this.socket.once('connectionAttempt', () => (this.askedAt = now()));
    this.socket.once('connect', () => (this.port = this.socket.localPort));
    this.socket.on('data', (chunk) => this.received(chunk));
    this.socket.on('error', (error) => this.failed(error));
    this.socket.on('end', () => this.finished('FIN'));
    this.socket.on('close', () => this.finished('close'));
  }

  happens(event) {
    return new Promise((resolve) => this.socket.once(event, resolve));
  }

  write(bytes) {
    this.timer = setTimeout(() => this.end('lost', 'silent'), silentMs);
    this.writesAt = now();
    this.socket.write(bytes);
    this.writtenAt = now();
  }

  failed(error) {
    if (error.code === 'ECONNREFUSED') this.end('unreachable', error.code);
    else if (this.port === undefined) this.end('lost', `${error.code} before it was connected`);
    else if (this.writtenAt === undefined) this.end(this.isFresh ? 'lost' : 'unsent', `${error.code}, nothing written`);
    else this.end('lost', error.code);
  }

  finished(how) {
    if (this.writtenAt === undefined) this.end(this.isFresh ? 'lost' : 'unsent', `${how}, nothing written`);
    else this.end('lost', how);
  }
}

/** A request over HTTP/1.1, on a new connection or on one that has answered one and rests. */
export class Http1Request extends Aimed {
  #text = '';
  #warm;

  constructor(path = '/answer') {
    super();
    this.bytes = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  }

  /** Opens the connection and has it answer a request. */
  async rest(port) {
    this.open(port, false);
    const warmed = new Promise((resolve) => (this.#warm = resolve));
    this.socket.write(this.bytes);
    await Promise.race([warmed, this.ended]);
    this.#warm = undefined;
  }

  fire() {
    if (!this.outcome) this.write(this.bytes);
  }

  /** @param slowMs passes between the connection and the request */
  async fireFresh(port, slowMs = 0) {
    this.isFresh = true;
    this.open(port, false);
    await this.happens('connect');
    if (slowMs > 0) await after(slowMs);
    this.fire();
  }

  received(chunk) {
    this.#text += chunk.toString('latin1');
    const headEnd = this.#text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1]);
    const body = this.#text.slice(headEnd + 4);
    if (body.length < length) return;
    const status = Number(this.#text.slice(9, 12));
    const text = this.#text;
    this.#text = '';
    if (this.#warm) return this.#warm();
    this.saysClose = /^connection: close\r$/im.test(text);
    if (status === 200 && body === 'served') this.end('served', '200');
    else if (status === 503) this.end('refused', '503');
    else this.end('lost', `answered ${status}`);
  }
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 };
const endStream = 0x1;
const ack = 0x1;
const endHeaders = 0x4;
const refusedStream = 7;

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** GET /answer, without the compression table: method, scheme, path, authority. */
function requestFrame(stream, isTls) {
  const path = Buffer.from('/answer');
  const authority = Buffer.from('127.0.0.1');
  const block = Buffer.concat([
    Buffer.from([0x82, isTls ? 0x87 : 0x86, 0x04, path.length]),
    path,
    Buffer.from([0x01, authority.length]),
    authority,
  ]);
  return frame(types.headers, endStream | endHeaders, stream, block);
}

/** A request over HTTP/2, on a fresh session (preface and HEADERS at once) or on one that has answered one. */
export class Http2Request extends Aimed {
  #rest = Buffer.alloc(0);
  #stream = 1;
  #body = '';
  #warm;
  #isTold = false;
  #unsaid = [];

  constructor(isTls) {
    super();
    this.isTls = isTls;
  }

  async rest(port) {
    this.open(port, this.isTls);
    const warmed = new Promise((resolve) => (this.#warm = resolve));
    this.socket.write(Buffer.concat([preface, frame(types.settings, 0, 0), requestFrame(1, this.isTls)]));
    await Promise.race([warmed, this.ended]);
    this.#warm = undefined;
    this.#stream = 3;
    this.#body = '';
  }

  fire() {
    if (this.#isTold) return this.end('unsent', 'GOAWAY');
    if (!this.outcome) this.write(requestFrame(this.#stream, this.isTls));
  }

  async fireFresh(port, slowMs = 0) {
    this.isFresh = true;
    this.open(port, this.isTls);
    await this.happens(this.isTls ? 'secureConnect' : 'connect');
    if (slowMs > 0) await after(slowMs);
    if (this.outcome) return;
    this.write(Buffer.concat([preface, frame(types.settings, 0, 0), ...this.#unsaid, requestFrame(1, this.isTls)]));
  }

  received(chunk) {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const head = this.#rest.subarray(0, 9);
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      this.#frame(head[3], head[4], head.readUInt32BE(5), payload);
    }
  }

  #frame(type, flags, stream, payload) {
    if (type === types.settings && !(flags & ack)) this.#say(frame(types.settings, ack, 0));
    if (type === types.ping && !(flags & ack)) this.#say(frame(types.ping, ack, 0, payload));
    if (type === types.goaway) this.#goaway(payload.readUInt32BE(0), payload.readUInt32BE(4));
    if (stream !== this.#stream) return;
    if (type === types.reset) {
      const code = payload.readUInt32BE(0);
      if (code === refusedStream) this.end('refused', 'REFUSED_STREAM');
      else if (!this.outcome) this.end('lost', `RST_STREAM ${code}`);
    }
    if (type === types.data) this.#body += payload.toString();
    if ((type === types.data || type === types.headers) && flags & endStream) this.#answered();
  }

  #answered() {
    if (this.#warm) return this.#warm();
    if (this.#body === 'served') this.end('served', '200');
    else if (this.#body.includes('shutting down')) this.end('refused', '503');
    else this.end('lost', `answered ${this.#body.slice(0, 60)}`);
  }

  #goaway(last, code) {
    this.#isTold = true;
    if (last >= this.#stream || (this.writtenAt === undefined && !this.isFresh)) return;
    if (code === 0) this.end('refused', 'GOAWAY');
    else this.end('lost', `GOAWAY ${code}`);
  }

  /** Nothing comes before the preface. */
  #say(bytes) {
    if (this.socket.writable && (this.writtenAt !== undefined || !this.isFresh)) this.socket.write(bytes);
    else this.#unsaid.push(bytes);
  }
}
