import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { exchange, sendMade, type RequestSpec } from '../exchange.js';
import { type Client, type Connection, type Exchange, type Sending } from './client.js';

export interface HttpClientOptions {
  /** Origin the requests go to, for instance `https://127.0.0.1:8443`. */
  readonly url: string;
  readonly requests: readonly RequestSpec[];
  /** A request that has no whole answer this long after it was sent has failed. */
  readonly timeoutMs: number;
  /** TLS: a certificate that nobody vouches for, or that is another's, will do. @default false */
  readonly insecure?: boolean;
}

/** HTTP/1.1, over TLS where the URL says so: a connection has one request at a time. */
export class Http1Client implements Client {
  readonly requests: readonly RequestSpec[];
  readonly isShared = false;

  constructor(private readonly options: HttpClientOptions) {
    this.requests = options.requests;
  }

  connect(isForOne: boolean): Connection {
    const { url, insecure = false } = this.options;
    const options = { keepAlive: !isForOne, maxSockets: 1 };
    // It opens a new connection when the server has closed the one it has, or asked to.
    const agent = url.startsWith('https:')
      ? new TlsAgent({ ...options, rejectUnauthorized: !insecure })
      : new Agent(options);
    return { send: (sending) => this.send(sending, agent), close: () => agent.destroy() };
  }

  private send({ number, request, signal }: Sending, agent: Agent): Promise<Exchange> {
    const { url, timeoutMs } = this.options;
    return sendMade(this.requests[request]!, number, (made) => exchange(made, { agent, url, timeoutMs, signal }));
  }
}
