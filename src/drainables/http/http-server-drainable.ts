import { type Server } from 'node:http';
import { type Drainable, type Leftover } from '../../sequence/drainable.js';
import { closeListener, cutListener } from '../shared/listener.js';
import { nextPoll } from '../../sequence/clock.js';
import { ConnectionTable } from './connection-table.js';
import { Http1Gate, type Http1GateContext } from './http1-gate.js';

/** What an HTTP server needs around it. */
export interface HttpServerContext extends Http1GateContext {
  /** Closes the listener when draining begins, instead of answering late requests on new connections. */
  readonly closesListenerFirst: boolean;
  /**
   * Others accept from the same socket, or will: the listener is closed as soon as clients are told to leave, and
   * nobody who has been accepted is refused.
   */
  isHandingOver(): boolean;
  /** How long connections that are idle when draining begins are kept, ms. */
  idleLingerMs(): number;
}

/**
 * One `http.Server` or `https.Server`.
 *
 * Nothing of `server.close()` or `closeIdleConnections()` is used: both cut answers that were ended but not yet
 * flushed, leave busy keep-alive sockets open for ever, and never close a silent one. The listener is closed alone, and
 * sockets by a table of our own.
 *
 * Not covered: a request written after the close of its idle connection, or between its last poll and the close.
 * HTTP/1.1 cannot.
 *
 * @internal
 */
export class HttpServerDrainable implements Drainable {
  private readonly connections: ConnectionTable;
  private readonly gate: Http1Gate;

  constructor(
    readonly name: string,
    private readonly server: Server,
    private readonly context: HttpServerContext,
  ) {
    this.connections = new ConnectionTable(context.clock);
    this.gate = new Http1Gate(server, this.connections, context);
  }

  announce(): void {
    this.gate.tellToLeave('announced');
    if (this.context.isHandingOver()) cutListener(this.server);
  }

  /** How long an idle connection may rest before Node closes it, ms; Infinity when it does not. */
  get idleMs(): number {
    const { keepAliveTimeout, keepAliveTimeoutBuffer = 0 } = this.server as Server & {
      readonly keepAliveTimeoutBuffer?: number;
    };
    return keepAliveTimeout > 0 ? keepAliveTimeout + keepAliveTimeoutBuffer : Infinity;
  }

  /** Resolves when no client is connected, or at the deadline. */
  clientsGone(deadline: AbortSignal): Promise<void> {
    return this.connections.allClose(deadline);
  }

  /**
   * Tells clients to leave, as `announce()` does, until the returned function is called: then nothing of it is left.
   */
  rehearse(): () => void {
    this.gate.tellToLeave('rehearsing');
    return () => this.gate.retract();
  }

  async drain(deadline: AbortSignal): Promise<void> {
    await this.refuseNew(deadline);
    await this.connections.owedEnd(deadline);
  }

  async close(deadline: AbortSignal): Promise<void> {
    await closeListener(this.server, this.context.clock, deadline);
    await this.connections.allClose(deadline);
  }

  async forceClose(): Promise<readonly Leftover[]> {
    cutListener(this.server);
    return this.connections.destroyAll(this.name);
  }

  private async refuseNew(deadline: AbortSignal): Promise<void> {
    const { closesListenerFirst } = this.context;
    const owesKept = this.context.isHandingOver();
    if (!this.gate.hasAnnounced) this.announce();
    // One more poll: what the kernel already holds arrived in time.
    await nextPoll();
    // Whoever is accepted until then is served: a client that is answered does not try another replica, and one that is
    // refused a connection does.
    if (closesListenerFirst) await closeListener(this.server, this.context.clock, deadline);
    // server.close(), whoever calls it in mid-drain, must not cut through our table.
    this.server.closeIdleConnections = () => undefined;
    this.gate.refuseNew();
    const idleLingerMs = this.context.idleLingerMs();
    this.connections.closeAsTheyRest({ idleLingerMs, owesAccepted: closesListenerFirst || owesKept, owesKept });
  }
}
