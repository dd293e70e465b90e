import { Duplex } from 'node:stream';
import { type TLSSocket } from 'node:tls';

const data = 0x0;
const headers = 0x1;
const endStream = 0x1;
const frameHeadBytes = 9;

/**
 * Carries the bytes of an HTTP/2 connection to the client, and sees which streams their server has ended. Node's API
 * does not tell: it emits `'end'` for END_STREAM and for a RST_STREAM with NO_ERROR alike.
 */
export class FrameTap extends Duplex {
  /** The ids of streams that were ended with END_STREAM. */
  readonly ended = new Set<number>();
  private head = Buffer.alloc(0);
  private payloadLeft = 0;

  constructor(private readonly socket: TLSSocket) {
    super();
    socket.on('data', (chunk: Buffer) => {
      this.look(chunk);
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  private look(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.payloadLeft > 0) {
        const skipped = Math.min(this.payloadLeft, chunk.length - at);
        this.payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      const more = chunk.subarray(at, at + frameHeadBytes - this.head.length);
      at += more.length;
      this.head = Buffer.concat([this.head, more]);
      if (this.head.length < frameHeadBytes) return;
      const [type, flags] = [this.head[3]!, this.head[4]!];
      if ((type === data || type === headers) && flags & endStream) this.ended.add(this.head.readUInt32BE(5));
      this.payloadLeft = this.head.readUIntBE(0, 3);
      this.head = Buffer.alloc(0);
    }
  }
}
