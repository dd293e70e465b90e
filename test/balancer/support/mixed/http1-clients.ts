import { setMaxListeners } from 'node:events';
import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { RequestMix } from '../../../../packages/tools/src/drill/request-mix.js';
import { sleep } from '../../../../packages/tools/src/drill/timing.js';
import { exchangeTimeoutMs, headersOf, Reader, send, type Exchange, type Fault } from './exchanges.js';
import { type KindOfClients } from './kind-of-clients.js';
import { Tally } from './tally.js';

export interface Http1ClientsOptions {
  readonly kind: string;
  readonly url: string;
  readonly clients: number;
  readonly thinkMs: number;
  readonly mix: readonly Exchange[];
}

/** After a failure, so that clients of an application that has gone do not spin. */
const afterFailureMs = 50;

/**
 * Keep-alive HTTP/1.1 clients that repair nothing, as the drill's are, over TLS as well. There are no retries: a kept
 * connection that turns out to be reset when it is used again is a failure. A client that was told `Connection: close`,
 * or has received the server's FIN, opens a new connection.
 */
export class Http1Clients implements KindOfClients {
  readonly tallies: readonly [Tally];
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(private readonly options: Http1ClientsOptions) {
    this.tallies = [new Tally(options.kind)];
    setMaxListeners(0, this.stopping.signal);
  }

  start(): void {
    this.running = Array.from({ length: this.options.clients }, (_, client) => this.runOne(client));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async runOne(client: number): Promise<void> {
    const { url, thinkMs } = this.options;
    const [tally] = this.tallies;
    const { signal } = this.stopping;
    const settings = { keepAlive: true, maxSockets: 1, rejectUnauthorized: false };
    const agent = url.startsWith('https:') ? new TlsAgent(settings) : new PlainAgent(settings);
    const mix = new RequestMix(this.options.mix, client);
    while (!signal.aborted) {
      const sentAt = performance.now();
      const exchange = mix.next();
      const fault = await this.ask(agent, exchange);
      if (fault) tally.failed(fault.how, [exchange.path, fault.detail].join(' '));
      else tally.right(performance.now() - sentAt);
      await sleep(fault ? afterFailureMs : thinkMs, signal);
    }
    agent.destroy();
  }

  /** Sends one request and resolves to what went wrong with it, if anything. Never rejects. */
  private ask(agent: PlainAgent, exchange: Exchange): Promise<Fault> {
    const [tally] = this.tallies;
    return new Promise((resolve) => {
      const { path, method } = exchange;
      const ask = this.options.url.startsWith('https:') ? tlsRequest : plainRequest;
      const outgoing = ask(new URL(path, this.options.url), { agent, method, headers: headersOf(exchange) });
      let reader: Reader | undefined;
      const settle = (fault: Fault): void => {
        clearTimeout(overdue);
        if (fault) outgoing.destroy();
        resolve(fault);
      };
      const overdue = setTimeout(() => settle({ how: 'timed-out', detail: bytesOf(reader) }), exchangeTimeoutMs);

      outgoing.once('socket', (socket) => {
        if (!socket.connecting) return;
        tally.note('connections');
        // Between a FIN that was received and the socket's 'close' the agent would still hand the connection out.
        socket.once('end', () => socket.destroy());
      });
      outgoing.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
        const how = reader ? 'cut-short' : code === 'ECONNREFUSED' ? 'refused' : 'reset';
        settle({ how, detail: `${code} ${message} ${outgoing.reusedSocket ? 'on a kept connection' : ''}` });
      });
      outgoing.once('response', (answer) => {
        const reading = (reader = new Reader(exchange, answer));
        answer.on('data', (chunk: Buffer) => reading.take(chunk));
        answer.on('error', ({ code }: NodeJS.ErrnoException) =>
          settle({ how: 'cut-short', detail: `${code} after ${bytesOf(reading)}` }),
        );
        answer.once('end', () =>
          settle(isWhole(answer) ? reading.faultOf(answer.statusCode) : { how: 'cut-short', detail: bytesOf(reading) }),
        );
      });
      send(outgoing, exchange);
    });
  }
}

function bytesOf(reader: Reader | undefined): string {
  return `${reader?.bytesSoFar ?? 0} bytes`;
}

/** Reports whether the end of an answer was seen, rather than the end of the connection. */
function isWhole({ complete, headers }: IncomingMessage): boolean {
  return complete && ('content-length' in headers || 'transfer-encoding' in headers);
}
