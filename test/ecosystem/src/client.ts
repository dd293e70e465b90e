import { connect } from 'node:net';

/** Bytes for one connection, as they are written. */
export interface Script {
  /**
   * Each part after the first is written when one more answer, an interim one too, or one more WebSocket frame has
   * come.
   */
  readonly parts: readonly string[];
  /**
   * For each final answer that is waited for, whether it is one to HEAD. None: the end of the connection is waited
   * for.
   */
  readonly answersToHead: readonly boolean[];
}

export interface Answer {
  /** Status line and headers as they stood on the wire. */
  readonly head: readonly string[];
  readonly status: number;
  /** Of a chunked body: the content, and not how it was cut. */
  readonly body: Buffer;
}

export interface Exchange {
  readonly answers: readonly Answer[];
  /** What came after the last whole answer. */
  readonly rest: Buffer;
  readonly end: 'kept' | 'fin' | 'reset' | 'silent';
}

/**
 * The longest that a connection may be silent, before it is asked whether its server was awake. A server that is expected
 * to close may be slower than its answers.
 */
const silenceMs = 2_000;

/**
 * Plays a script on a new connection. Interprets nothing but where an answer ends. Never rejects.
 *
 * @param awake resolves when the server has been awake for long enough to say something, if it had anything to say
 */
export function play(port: number, script: Script, awake: () => Promise<unknown>): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const parts = [...script.parts];
    let received: Buffer = Buffer.alloc(0);
    const finish = (end: Exchange['end']): void => {
      socket.destroy();
      resolve({ ...read(received, script.answersToHead, end !== 'kept'), end });
    };
    const look = (): void => {
      const { answers, rest } = read(received, script.answersToHead, false);
      const come = answers.length + (answers.at(-1)?.status === 101 ? framesIn(rest) : 0);
      while (parts.length > 0 && come >= script.parts.length - parts.length) {
        socket.write(parts.shift()!, 'latin1');
      }
      const last = answers.filter(isFinal).at(-1);
      const isComplete = answers.filter(isFinal).length >= script.answersToHead.length;
      if (last && isComplete && last.status !== 101 && !saysClose(last) && script.answersToHead.length > 0)
        finish('kept');
    };
    socket.setTimeout(silenceMs, () => {
      const before = received.length;
      void awake().then(() => received.length === before && finish('silent'));
    });
    socket.on('connect', look);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      look();
    });
    socket.on('end', () => finish('fin'));
    socket.on('error', () => finish('reset'));
  });
}

const isFinal = ({ status }: Answer): boolean => status >= 200 || status === 101;
const saysClose = ({ head }: Answer): boolean => head.some((line) => /^connection:.*close/i.test(line));

function read(bytes: Buffer, answersToHead: readonly boolean[], hasEnded: boolean): Omit<Exchange, 'end'> {
  const answers: Answer[] = [];
  let rest = bytes;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0 || answers.at(-1)?.status === 101) return { answers, rest };
    const head = rest.toString('latin1', 0, headEnd).split('\r\n');
    const status = Number(head[0]!.split(' ')[1]);
    const isBodiless =
      status < 200 || status === 204 || status === 304 || answersToHead[answers.filter(isFinal).length];
    const framed = isBodiless
      ? { body: Buffer.alloc(0), length: 0 }
      : bodyOf(rest.subarray(headEnd + 4), head, hasEnded);
    if (!framed) return { answers, rest };
    answers.push({ head, status, body: framed.body });
    rest = rest.subarray(headEnd + 4 + framed.length);
  }
}

function bodyOf(bytes: Buffer, head: string[], hasEnded: boolean): { body: Buffer; length: number } | undefined {
  if (head.some((line) => /^transfer-encoding:.*chunked/i.test(line))) return chunkedBody(bytes);
  const lengthLine = head.find((line) => /^content-length:/i.test(line));
  if (!lengthLine) return hasEnded ? { body: bytes, length: bytes.length } : undefined;
  const length = Number(lengthLine.slice('content-length:'.length));
  return bytes.length < length ? undefined : { body: bytes.subarray(0, length), length };
}

function chunkedBody(bytes: Buffer): { body: Buffer; length: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const sizeEnd = bytes.indexOf('\r\n', at);
    if (sizeEnd < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, sizeEnd), 16);
    at = sizeEnd + 2 + size + 2;
    if (bytes.length < at) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), length: at };
    chunks.push(bytes.subarray(sizeEnd + 2, at - 2));
  }
}

/** Counts the whole frames of a server's WebSocket: unmasked, and short here. */
function framesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at + 2 <= bytes.length; count++) {
    const short = bytes[at + 1]! & 0x7f;
    const length = short < 126 ? short : at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : Infinity;
    at += (short < 126 ? 2 : 4) + length;
    if (at > bytes.length) return count;
  }
  return count;
}
