import { EventEmitter } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Connection, type ConnectionOwner } from '../../../../src/drainables/http/connection.js';
import { Http1Exchange } from '../../../../src/drainables/http/http1-exchange.js';
import { type InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';

/** A socket as far as a connection looks at one. */
export class FakeSocket extends EventEmitter {
  bytesRead = 0;
  bytesWritten = 0;
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

/** Hears of what becomes of connections, and keeps it. */
export class FakeOwner implements ConnectionOwner {
  readonly heard: string[] = [];
  rested(): void {
    this.heard.push('rested');
  }
  closed(): void {
    this.heard.push('closed');
  }
}

export function fakeConnection(owner: ConnectionOwner = new FakeOwner(), socket = new FakeSocket()): Connection {
  return new Connection(socket as unknown as Socket, 0, owner);
}

/** A response as far as an exchange looks at one: a head that keeps what is said in it. */
export class FakeResponse extends EventEmitter {
  headersSent = false;
  /** Whole, once it has closed: its client has not gone. */
  writableFinished = true;
  statusCode = 200;
  private readonly headers = new Map<string, string>();

  getHeader(name: string): string | undefined {
    return this.headers.get(name.toLowerCase());
  }
  setHeader(name: string, value: string): void {
    this.headers.set(name.toLowerCase(), value);
  }
  removeHeader(name: string): void {
    this.headers.delete(name.toLowerCase());
  }
  writeHead(statusCode: number, headers?: Record<string, string>): this {
    this.statusCode = statusCode;
    for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value);
    this.headersSent = statusCode >= 200;
    return this;
  }
}

export function fakeExchange(
  tracker: InFlightTracker,
  refuse: (exchange: Http1Exchange) => void = () => undefined,
  connection: Connection = fakeConnection(),
  isComplete = true,
): Http1Exchange {
  const headers = isComplete ? {} : { 'content-length': '100' };
  const request = Object.assign(new EventEmitter(), { method: 'GET', complete: isComplete, headers });
  const exchange = new Http1Exchange(
    request as unknown as IncomingMessage,
    new FakeResponse() as unknown as ServerResponse,
    connection,
    0,
    tracker,
    { refuse },
  );
  connection.began(exchange);
  return exchange;
}
