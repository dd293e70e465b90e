import { type Socket } from 'node:net';
import { type Clock } from '../../sequence/clock.js';

/** A TCP connection in its TLS handshake. */
export interface Handshake {
  readonly socket: Socket;
  readonly startedAt: number;
  /** Listens for the close of `socket`. */
  readonly closed: () => void;
}

/**
 * The TLS handshakes that are under way at one server, by remote address and port: a TLS socket does not tell which TCP
 * socket it came from.
 */
export class Handshakes implements Iterable<Handshake> {
  private readonly byAddress = new Map<string, Handshake>();

  /** @param gaveUp is called when a client has gone in the middle of one */
  constructor(
    private readonly clock: Clock,
    private readonly gaveUp: () => void,
  ) {}

  [Symbol.iterator](): Iterator<Handshake> {
    return this.byAddress.values();
  }

  get size(): number {
    return this.byAddress.size;
  }

  isUnderWay(handshake: Handshake): boolean {
    return this.byAddress.get(addressOf(handshake.socket)) === handshake;
  }

  add(socket: Socket): Handshake {
    const address = addressOf(socket);
    const closed = () => {
      if (this.byAddress.get(address) === handshake) this.byAddress.delete(address);
      this.gaveUp();
    };
    const handshake: Handshake = { socket, startedAt: this.clock.now(), closed };
    this.byAddress.set(address, handshake);
    socket.on('close', closed);
    return handshake;
  }

  /** The handshake that led to `socket` is over: nothing of it is kept for as long as the connection lives. */
  end(socket: Socket): void {
    const address = addressOf(socket);
    const handshake = this.byAddress.get(address);
    if (!handshake) return;
    this.byAddress.delete(address);
    handshake.socket.off('close', handshake.closed);
  }
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''}`;
}
