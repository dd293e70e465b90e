import { type Server } from 'node:net';
import { type ConnectionHandle, type ListenHandle, takeConnections } from './insides.js';
import { type Taker } from './worker.js';

/** Whoever may accept from a socket by itself. */
export interface Acceptor {
  /** Gives it the socket that comes with this. Resolves when it accepts, or never will. Never rejects. */
  accept(key: string, socket: ListenHandle, backlog: number): Promise<void>;
}

/** How the connections of one listening socket get to the workers. */
export interface Balancing {
  /** From here on this worker is meant to get connections. Resolves when it does, or never will. Never rejects. */
  attach(worker: Taker & Acceptor): Promise<void>;
  detach(worker: Taker & Acceptor): void;
  /**
   * Accepts no more. What has been accepted is still given to workers. Where the socket stays open, clients may find no
   * one there until a worker is attached again.
   */
  close(staysOpen?: boolean): void;
  /** Closes as soon as no worker is attached. */
  closeWithLast(): void;
}

/**
 * Round robin with acknowledgement: this process accepts, and offers each connection to the worker that has the fewest
 * untaken ones, in turn among equals. One that a worker could not take, for it left or died, goes to the next; and while
 * there is none, connections wait.
 */
export class RoundRobin implements Balancing {
  private readonly takers: Taker[] = [];
  private readonly waiting: ConnectionHandle[] = [];
  private turn = 0;
  private closesWithLast = false;
  private isClosed = false;

  /** @param server listens, and nobody accepts from it yet */
  constructor(
    private readonly key: string,
    private readonly server: Server,
  ) {
    takeConnections(server, (client) => this.deal(client));
  }

  attach(worker: Taker): Promise<void> {
    if (!this.takers.includes(worker)) this.takers.push(worker);
    this.isClosed = !this.server.listening;
    for (const client of this.waiting.splice(0)) this.deal(client);
    return Promise.resolve();
  }

  detach(worker: Taker): void {
    const index = this.takers.indexOf(worker);
    if (index < 0) return;
    this.takers.splice(index, 1);
    if (index < this.turn) this.turn--;
    this.closeIfUnattended();
  }

  close(staysOpen = false): void {
    this.isClosed = true;
    if (!staysOpen && this.server.listening) this.server.close();
    if (this.takers.length === 0) for (const client of this.waiting.splice(0)) client.close();
  }

  closeWithLast(): void {
    this.closesWithLast = true;
    this.closeIfUnattended();
  }

  private closeIfUnattended(): void {
    if (this.closesWithLast && this.takers.length === 0) this.close();
  }

  private deal(client: ConnectionHandle): void {
    const taker = this.next();
    if (taker) {
      taker.offer(this.key, client, (isTaken) => (isTaken ? client.close() : this.deal(client)));
    } else if (this.isClosed) {
      // Nobody will ever take it.
      client.close();
    } else {
      this.waiting.push(client);
    }
  }

  private next(): Taker | undefined {
    const { takers } = this;
    let next: Taker | undefined;
    let place = 0;
    for (let step = 0; step < takers.length; step++) {
      const index = (this.turn + step) % takers.length;
      const taker = takers[index]!;
      if (next && taker.pending >= next.pending) continue;
      next = taker;
      place = index;
    }
    this.turn = place + 1;
    return next;
  }
}

/** Every worker accepts from the same socket, as the kernel has it. This process keeps it, and accepts nothing. */
export class SharedAccept implements Balancing {
  private readonly acceptors = new Set<Acceptor>();
  private isOpen = true;
  private closesWithLast = false;

  constructor(
    private readonly key: string,
    private readonly socket: ListenHandle,
    private readonly backlog: number,
  ) {}

  attach(worker: Acceptor): Promise<void> {
    if (!this.isOpen || this.acceptors.has(worker)) return Promise.resolve();
    this.acceptors.add(worker);
    return worker.accept(this.key, this.socket, this.backlog);
  }

  /** A worker closes its share by itself. */
  detach(worker: Acceptor): void {
    this.acceptors.delete(worker);
    this.closeIfUnattended();
  }

  /** In one that stays open clients wait, as they do where nobody has taken it from its owner yet. */
  close(staysOpen = false): void {
    if (staysOpen) return;
    if (this.isOpen) this.socket.close();
    this.isOpen = false;
  }

  closeWithLast(): void {
    this.closesWithLast = true;
    this.closeIfUnattended();
  }

  private closeIfUnattended(): void {
    if (this.closesWithLast && this.acceptors.size === 0) this.close();
  }
}
