import { type StreamedResponse } from '../../../../src/drainables/sse/event-stream.js';

/** A response that notes what reaches the wire, and is as strict with whoever writes behind its end as Node's. */
export class FakeResponse implements StreamedResponse {
  readonly wire: string[] = [];
  writableEnded = false;
  destroyed = false;
  private readonly headers = new Map<string, unknown>();
  private readonly closing: (() => void)[] = [];

  setHeader(name: string, value: unknown): void {
    this.headers.set(name.toLowerCase(), value);
  }

  getHeader(name: string): unknown {
    return this.headers.get(name.toLowerCase());
  }

  writeHead(...args: unknown[]): this {
    this.wire.push(`head ${String(args[0])}`);
    return this;
  }

  write(...args: unknown[]): boolean {
    if (this.writableEnded) throw new Error('write after end');
    this.wire.push(String(args[0]));
    return true;
  }

  end(...args: unknown[]): this {
    if (this.writableEnded) throw new Error('end after end');
    if (typeof args[0] === 'string') this.wire.push(args[0]);
    this.wire.push('end');
    this.writableEnded = true;
    return this;
  }

  on(_event: 'close', listener: () => void): this {
    this.closing.push(listener);
    return this;
  }

  close(): void {
    for (const listener of this.closing.splice(0)) listener();
  }
}
