import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Server, type Socket } from 'node:net';
import { type SupervisedWorker } from '../../platform/supervised-worker.js';
import { type Clock, type ClockTimer, systemClock } from '../../sequence/clock.js';
import { type Manner } from '../protocol.js';

/** What an application without the module gets after its clients have gone, or have had their time, ms. */
const ownEndMs = 5_000;
/** Node closes an idle connection somewhat later than it says, ms. */
const keepAliveMarginMs = 1_500;

/** What retires. */
interface Retired {
  readonly worker: SupervisedWorker;
  stopAccepting(): void;
  signal(signal: NodeJS.Signals): void;
  readonly clock?: Clock;
}

/**
 * The end of a worker. The module takes leave of the clients by itself when SIGTERM comes. Any other application is kept
 * from them before it is told: it takes no further connection, its answers say `Connection: close`, and the signal comes
 * when its last connection has ended.
 */
export class Retirement {
  private readonly servers = new Set<Server>();
  private readonly sockets = new Set<Socket>();
  private signalName: NodeJS.Signals = 'SIGTERM';
  private isSignalled = false;
  private timer?: ClockTimer;
  private isLeaving = false;

  constructor(private readonly retired: Retired) {}

  /** Follows the connections of a server that clients reach. */
  follow(server: Server): void {
    this.servers.add(server);
    server.prependListener('connection', this.connected);
  }

  begin(manner: Manner, signal: NodeJS.Signals, withinMs: number): void {
    const { worker } = this.retired;
    this.signalName = signal;
    worker.isGroupStopping = manner === 'stopped';
    if (worker.drainsItself && process.listenerCount(signal) > 0) return this.signal();
    this.isLeaving = true;
    this.retired.stopAccepting();
    for (const server of this.servers) {
      if (server instanceof HttpServer) server.prependListener('request', sayClose);
    }
    const patienceMs = Math.max(0, Math.min(this.patienceMs, withinMs - ownEndMs));
    const { clock = systemClock } = this.retired;
    this.timer = clock.after(patienceMs, () => this.signal());
    this.endIfAlone();
  }

  private readonly connected = (socket: Socket): void => {
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.endIfAlone();
    });
  };

  private endIfAlone(): void {
    if (this.isLeaving && this.sockets.size === 0) this.signal();
  }

  /** What has been upgraded never ends by itself: then idle connections are waited for, and no longer. */
  private get patienceMs(): number {
    const servers = [...this.servers];
    if (!servers.some((server) => server.listenerCount('upgrade') > 0)) return Infinity;
    const idle = servers.map((server) => (server instanceof HttpServer ? server.keepAliveTimeout : 0));
    return Math.max(...idle) + keepAliveMarginMs;
  }

  private signal(): void {
    if (this.isSignalled) return;
    this.isSignalled = true;
    // It would hold open a process that has nothing else to do.
    this.timer?.cancel();
    this.retired.signal(this.signalName);
  }
}

function sayClose(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Connection', 'close');
}
