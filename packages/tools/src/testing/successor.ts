import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Backend } from '../drill/balancer.js';
import { type RequestSpec } from '../drill/exchange.js';
import { requestHeader, successorBody } from './requests.js';

/** The replica that takes over: it is ready, and answers every request of the drill as is right. */
export class Successor implements Backend {
  readonly name = 'successor';
  readonly host = '127.0.0.1';
  /** Requests it has answered, probes apart. */
  answered = 0;

  private constructor(
    private readonly server: Server,
    private readonly mix: readonly RequestSpec[],
  ) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      request.resume().once('end', () => this.answer(request, response));
    });
  }

  static async listen(mix: readonly RequestSpec[]): Promise<Successor> {
    const server = createServer();
    const successor = new Successor(server, mix);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return successor;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private answer({ headers }: IncomingMessage, response: ServerResponse): void {
    const place = headers[requestHeader];
    if (place !== undefined) this.answered++;
    response.statusCode = this.mix[Number(place)]?.expect?.status ?? 200;
    response.setHeader('Content-Length', Buffer.byteLength(successorBody));
    if (response.statusCode === 204 || response.statusCode === 304) response.removeHeader('Content-Length');
    response.end(successorBody);
  }
}
