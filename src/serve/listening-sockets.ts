import { lookup } from 'node:dns/promises';
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer, isIP, type Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { type Balancing, RoundRobin, SharedAccept } from './balancing.js';
import { addressOf, bindOnly, type ListenHandle } from './insides.js';
import { type InheritedSocket } from './inherited-sockets.js';
import { type AskedAddress, keyOf } from './protocol.js';

export type Balance = 'round-robin' | 'shared';

/** A socket that is bound once, and stays until nobody asks for it any more. */
export interface ListeningSocket {
  readonly key: string;
  /** What `server.address()` tells. */
  readonly address: AddressInfo | string;
  readonly balancing: Balancing;
  /** Another process has given it: it cannot be opened again once it is closed. */
  readonly isInherited: boolean;
}

/** Node's own. */
const usualBacklog = 511;

/** The listening sockets of the group. None belongs to a worker: none is closed when a worker ends. */
export class ListeningSockets {
  private readonly bound = new Map<string, Promise<ListeningSocket>>();

  constructor(
    private readonly balance: Balance,
    private readonly inherited: readonly InheritedSocket[] = [],
  ) {}

  /** The sockets outlive this process: another one has given them. */
  get areInherited(): boolean {
    return this.inherited.length > 0;
  }

  get keys(): readonly string[] {
    return [...this.bound.keys()];
  }

  /**
   * Binds what a worker asks for, or takes what is there.
   *
   * @throws Error with the code of the system's when it cannot be bound
   */
  bind(asked: AskedAddress): Promise<ListeningSocket> {
    const key = keyOf(asked);
    let socket = this.bound.get(key);
    if (!socket) {
      socket = this.open(key, asked);
      this.bound.set(key, socket);
      // It may be free at the next try.
      socket.catch(() => this.bound.delete(key));
    }
    return socket;
  }

  /** Closes those that nobody asks for, until somebody does. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    for (const [key, socket] of this.bound) if (!keys.has(key)) await this.close(key, socket, true);
  }

  async closeAll(): Promise<void> {
    for (const [key, socket] of this.bound) await this.close(key, socket, false);
  }

  /** Whoever comes when the last worker has gone is refused, and does not wait for nobody. */
  closeWithLastWorkers(): void {
    for (const socket of this.bound.values()) {
      void socket.then(
        ({ balancing }) => balancing.closeWithLast(),
        () => undefined,
      );
    }
  }

  private async close(key: string, socket: Promise<ListeningSocket>, keepsInherited: boolean): Promise<void> {
    await socket.then(
      ({ balancing, isInherited }) => {
        const staysOpen = isInherited && keepsInherited;
        if (!staysOpen) this.bound.delete(key);
        balancing.close(staysOpen);
      },
      () => undefined,
    );
  }

  private async open(key: string, asked: AskedAddress): Promise<ListeningSocket> {
    const fd = this.inherited.find((each) => each.fits(asked))?.fd;
    if (asked.path !== undefined && fd === undefined) await removeAbandoned(asked.path);
    if (this.balance === 'shared') return this.openShared(key, asked, fd);
    const server = await listening(fd === undefined ? { ...asked } : { fd });
    const isInherited = fd !== undefined;
    return { key, address: server.address()!, balancing: new RoundRobin(key, server), isInherited };
  }

  private async openShared(key: string, asked: AskedAddress, fd?: number): Promise<ListeningSocket> {
    const socket = fd === undefined ? await bindShared(asked) : checked(bindOnly(null, 0, -1, fd), asked);
    if (asked.path !== undefined) openTo(asked.path, asked);
    const balancing = new SharedAccept(key, socket, asked.backlog ?? usualBacklog);
    return { key, address: asked.path ?? addressOf(socket), balancing, isInherited: fd !== undefined };
  }
}

function listening(where: AskedAddress | { fd: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true });
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      // It is one that could not be accepted; the socket goes on.
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}

async function bindShared(asked: AskedAddress): Promise<ListenHandle> {
  const { path, port, host, ipv6Only } = asked;
  if (path !== undefined) return checked(bindOnly(path, -1, -1), asked);
  const flags = ipv6Only ? 1 : 0;
  if (host === undefined) {
    const both = bindOnly('::', port!, 6, undefined, flags);
    // There may be no IPv6 here.
    if (typeof both !== 'number' || getSystemErrorName(both) === 'EADDRINUSE') return checked(both, asked);
    return checked(bindOnly('0.0.0.0', port!, 4, undefined, flags), asked);
  }
  const { address, family } = isIP(host) ? { address: host, family: isIP(host) } : await lookup(host);
  return checked(bindOnly(address, port!, family as 4 | 6, undefined, flags), asked);
}

function checked(handle: ListenHandle | number, { path, host, port }: AskedAddress): ListenHandle {
  if (typeof handle !== 'number') return handle;
  const code = getSystemErrorName(handle);
  const where = path ?? `${host ?? '::'}:${port}`;
  throw Object.assign(new Error(`listen ${code}: ${where}`), { code, errno: handle, syscall: 'listen' });
}

/** As `readableAll` and `writableAll` have it. */
function openTo(path: string, { readableAll, writableAll }: AskedAddress): void {
  if (!readableAll && !writableAll) return;
  chmodSync(path, statSync(path).mode | (readableAll ? 0o444 : 0) | (writableAll ? 0o222 : 0));
}

/** A process that was killed leaves its path behind, where nobody listens. */
export function removeAbandoned(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') removeSocket(path);
      resolve();
    });
  });
}

/** A file that is no socket is refused as well. */
function removeSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) rmSync(path, { force: true });
  } catch {
    // Whoever binds it is told why it cannot be bound.
  }
}
