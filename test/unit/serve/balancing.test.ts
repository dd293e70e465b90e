import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Acceptor, RoundRobin, SharedAccept } from '../../../src/serve/balancing.js';
import { type ConnectionHandle, type ListenHandle } from '../../../src/serve/insides.js';
import { type Taker } from '../../../src/serve/worker.js';

/** Takes, or declines, when a test says so. */
class Offered implements Taker {
  readonly offers: ((isTaken: boolean) => void)[] = [];
  total = 0;
  /** How many of its connections this process has closed its own hold on. */
  closed = 0;

  get pending(): number {
    return this.offers.length;
  }

  offer(_key: string, client: ConnectionHandle, settled: (isTaken: boolean) => void): void {
    this.total++;
    const close = client.close.bind(client);
    client.close = () => {
      this.closed++;
      close();
    };
    this.offers.push(settled);
  }

  accept(): Promise<void> {
    throw new Error('Expected connections, and no socket.');
  }

  settleAll(isTaken: boolean): void {
    for (const settled of this.offers.splice(0)) settled(isTaken);
  }
}

let server: Server;
let balancing: RoundRobin;
let clients: Socket[];
const workers = () => Array.from({ length: 3 }, () => new Offered());

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  balancing = new RoundRobin('key', server);
  clients = [];
});
afterEach(() => {
  balancing.close();
  for (const client of clients) client.destroy();
});

/** Resolves when so many connections have been dealt. */
async function clientsCome(count: number, dealt: () => number = () => Infinity): Promise<void> {
  const { port } = server.address() as { port: number };
  const before = dealt();
  for (let each = 0; each < count; each++) clients.push(connect(port, '127.0.0.1').on('error', () => undefined));
  while (dealt() < before + count) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when a connection waits for somebody who takes it. */
async function clientsWait(): Promise<void> {
  const [gone] = workers() as [Offered, Offered, Offered];
  void balancing.attach(gone);
  await clientsCome(1, () => gone.total);
  balancing.detach(gone);
  gone.settleAll(false);
}

const totalOf = (all: readonly Offered[]) => all.reduce((sum, { total }) => sum + total, 0);

describe('RoundRobin', () => {
  it('deals in turn among those that take at once', async () => {
    const all = workers();
    for (const worker of all) void balancing.attach(worker);
    for (let turn = 0; turn < 6; turn++) {
      await clientsCome(1, () => totalOf(all));
      for (const worker of all) worker.settleAll(true);
    }
    expect(all.map(({ total }) => total)).toEqual([2, 2, 2]);
    // What a worker has taken is the worker's alone.
    expect(all.map(({ closed }) => closed)).toEqual([2, 2, 2]);
  });

  it('spares a worker that does not take', async () => {
    const all = workers();
    for (const worker of all) void balancing.attach(worker);
    for (let turn = 0; turn < 9; turn++) {
      await clientsCome(1, () => totalOf(all));
      for (const worker of all.slice(1)) worker.settleAll(true);
    }
    expect(all.map(({ total }) => total)).toEqual([1, 4, 4]);
  });

  it('goes on in turn when one has left, and deals nothing twice to one that comes twice', async () => {
    const [first, second, third] = workers() as [Offered, Offered, Offered];
    for (const worker of [first, first, second, third]) void balancing.attach(worker);
    await clientsCome(2, () => totalOf([first, second, third]));
    for (const worker of [first, second]) worker.settleAll(true);
    balancing.detach(first);
    await clientsCome(1, () => totalOf([first, second, third]));
    expect([first, second, third].map(({ total }) => total)).toEqual([1, 1, 1]);
    await clientsCome(2, () => totalOf([first, second, third]));
    expect(first.total).toBe(1);
  });

  it('closes what nobody will take any more: it no longer listens, and nobody is left', async () => {
    const [first] = workers() as [Offered, Offered, Offered];
    void balancing.attach(first);
    await clientsCome(1, () => first.total);
    balancing.close();
    balancing.detach(first);
    const closed = once(clients[0]!, 'close');
    clients[0]!.resume();
    first.settleAll(false);
    await closed;
  });

  it('closes those that wait when it is closed', async () => {
    await clientsWait();
    const closed = once(clients[0]!, 'close');
    clients[0]!.resume();
    balancing.close();
    await closed;
  });

  it('turns away whoever comes while nobody asks for it, where it stays open', async () => {
    await clientsWait();
    const [first] = workers() as [Offered, Offered, Offered];
    balancing.close(true);
    await once(clients[0]!.resume(), 'close');
    await clientsCome(1);
    await once(clients[1]!.resume(), 'close');
    void balancing.attach(first);
    await clientsCome(1, () => first.total);
  });

  it('deals what a worker has not taken to the next', async () => {
    const [first, second] = workers() as [Offered, Offered, Offered];
    void balancing.attach(first);
    await clientsCome(2, () => first.total);
    void balancing.attach(second);
    balancing.detach(first);
    first.settleAll(false);
    expect(second.pending).toBe(2);
  });

  it('keeps connections while there is nobody, and closes them when it is closed', async () => {
    const [first, second] = workers() as [Offered, Offered, Offered];
    void balancing.attach(first);
    await clientsCome(1, () => first.total);
    balancing.detach(first);
    first.settleAll(false);
    void balancing.attach(second);
    expect(second.pending).toBe(1);
    balancing.closeWithLast();
    expect(server.listening).toBe(true);
    balancing.detach(second);
    expect(server.listening).toBe(false);
    const closed = once(clients[0]!, 'close');
    clients[0]!.resume();
    second.settleAll(false);
    await closed;
  });
});

describe('SharedAccept', () => {
  const socketOf = (said: string[]): ListenHandle => ({ close: () => said.push('closed') }) as unknown as ListenHandle;
  const acceptorOf = (said: string[]): Acceptor => ({
    accept: async (key) => void said.push(`${key} is accepted from`),
  });

  it('gives the socket to each worker once, and to none once it is closed', async () => {
    const said: string[] = [];
    const shared = new SharedAccept('key', socketOf(said), 511);
    const [first, late] = [acceptorOf(said), acceptorOf(said)];
    await shared.attach(first);
    await shared.attach(first);
    shared.close();
    shared.close();
    await shared.attach(late);
    expect(said).toEqual(['key is accepted from', 'closed']);
  });

  it('closes with the last worker', async () => {
    const said: string[] = [];
    const shared = new SharedAccept('key', socketOf(said), 511);
    const worker = acceptorOf(said);
    await shared.attach(worker);
    shared.closeWithLast();
    expect(said).toEqual(['key is accepted from']);
    shared.detach(worker);
    expect(said).toEqual(['key is accepted from', 'closed']);
  });
});
