import { createHash } from 'node:crypto';
import { type Writable } from 'node:stream';

/** One kind of request, over HTTP/1.1 or HTTP/2, and the answer that is right for it. */
export interface Exchange {
  readonly name: 'request' | 'upload' | 'download';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** How often it is asked, as a whole number. */
  readonly weight: number;
  /** What is sent, in pieces with a pause behind each. */
  readonly upload?: { readonly pieces: readonly Buffer[]; readonly pauseMs: number };
  /** How the answer is read: a pause behind so many bytes. @default as it comes */
  readonly reading?: { readonly bytes: number; readonly pauseMs: number };
  readonly status: number;
  /** The right body, or its SHA-256 and length where it is long. */
  readonly body: string | { readonly bytes: number; readonly sum: string };
}

const piece = Buffer.alloc(64 * 1024, 'nestjs-drain ');
const uploaded = Array.from({ length: 10 }, () => piece);
const uploadedBytes = uploaded.length * piece.length;
/** What test/balancer/apps/files.mjs is asked. */
export const requests: readonly Exchange[] = [
  { name: 'request', method: 'GET', path: '/quick/7', weight: 12, status: 200, body: '{"id":"7"}' },
  { name: 'request', method: 'GET', path: '/slow', weight: 1, status: 200, body: '{"report":"whole"}' },
];
export const upload: Exchange = {
  name: 'upload',
  method: 'POST',
  path: '/upload',
  weight: 1,
  upload: { pieces: uploaded, pauseMs: 120 },
  status: 201,
  body: JSON.stringify({ bytes: uploadedBytes, sum: sumOf(uploaded) }),
};
/** 8 MB in a second and a half, as its server is given it and as its reader takes it. */
export const download = downloadOf({ pieces: 128, ms: 10 }, { bytes: 256 * 1024, pauseMs: 40 });
/** The same time for 2 MB: a stream of HTTP/2 has a window of 64 kB alone. */
export const downloadOverHttp2 = downloadOf({ pieces: 32, ms: 40 }, { bytes: 256 * 1024, pauseMs: 160 });

function downloadOf({ pieces, ms }: { pieces: number; ms: number }, reading: Exchange['reading']): Exchange {
  return {
    name: 'download',
    method: 'GET',
    path: `/download/${pieces}/${ms}`,
    weight: 1,
    reading,
    status: 200,
    body: { bytes: pieces * piece.length, sum: sumOf(Array.from({ length: pieces }, () => piece)) },
  };
}

/** The headers of the request, but for those that a protocol gives it. */
export function headersOf({ upload: sent }: Exchange): Record<string, string> {
  return sent ? { 'content-type': 'application/octet-stream', 'content-length': String(lengthOf(sent.pieces)) } : {};
}

/** Sends the body, piece by piece, until it is whole or the stream has gone. */
export function send(to: Writable, { upload: sent }: Exchange): void {
  if (!sent) return void to.end();
  const { pieces, pauseMs } = sent;
  let next = 0;
  const sendNext = (): void => {
    if (to.destroyed) return;
    to.write(pieces[next++]!);
    if (next === pieces.length) to.end();
    else setTimeout(sendNext, pauseMs);
  };
  sendNext();
}

/** Takes an answer in at the pace of its reader. */
export class Reader {
  private readonly hash = createHash('sha256');
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private sinceRest = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly from: { pause(): unknown; resume(): unknown },
  ) {}

  take(chunk: Buffer): void {
    const { body, reading } = this.exchange;
    this.bytes += chunk.length;
    this.sinceRest += chunk.length;
    if (typeof body === 'string') this.chunks.push(chunk);
    else this.hash.update(chunk);
    if (!reading || this.sinceRest < reading.bytes) return;
    this.sinceRest = 0;
    this.from.pause();
    setTimeout(() => this.from.resume(), reading.pauseMs);
  }

  /** What is wrong with an answer that is whole, if anything. */
  faultOf(status: number | undefined): { readonly how: string; readonly detail?: string } | undefined {
    const { body } = this.exchange;
    if (status !== this.exchange.status) return { how: `status-${status}`, detail: this.textSoFar };
    const isRight =
      typeof body === 'string'
        ? this.textSoFar === body
        : this.bytes === body.bytes && this.hash.digest('hex') === body.sum;
    return isRight ? undefined : { how: 'wrong-body', detail: `${this.bytes} bytes ${this.textSoFar}` };
  }

  get bytesSoFar(): number {
    return this.bytes;
  }

  private get textSoFar(): string {
    return Buffer.concat(this.chunks).toString('utf8').slice(0, 200);
  }
}

/** What became of an exchange: nothing when it was answered, whole and right. */
export type Fault = { readonly how: string; readonly detail?: string } | undefined;

/** An exchange without a whole answer for this long has failed. Twice the drain timeout, so that a hang is seen. */
export const exchangeTimeoutMs = 20_000;

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function sumOf(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const each of pieces) hash.update(each);
  return hash.digest('hex');
}
