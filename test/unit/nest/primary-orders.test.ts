import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrimaryOrders } from '../../../src/nest/primary-orders.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeProcess } from '../../support/fake-process.js';

const disconnect = { cmd: 'NODE_CLUSTER', act: 'disconnect' };

let clock: FakeClock;
let host: FakeProcess;
let orders: PrimaryOrders;
let ordered: { isAnyRunning: boolean; told: string[]; takenOut(): void; asked(signal: string): void };
let worker: { exitedAfterDisconnect?: boolean };

beforeEach(() => {
  clock = new FakeClock();
  host = new FakeProcess();
  worker = {};
  const told: string[] = [];
  ordered = {
    isAnyRunning: true,
    told,
    takenOut: () => void told.push('taken out'),
    asked: (signal) => void told.push(signal),
  };
});
afterEach(() => {
  orders.stop();
  clock.assertNoTimerLeft();
  expect(host.listenedFor.filter((name) => !name.startsWith('SIG'))).toEqual([]);
});

function given({ isWorker = true, isPm2 = false } = {}): void {
  orders = new PrimaryOrders(host.host, ordered, isWorker ? worker : undefined, isPm2, clock);
  orders.start();
}

const moment = () => clock.advance(80);

describe('PrimaryOrders', () => {
  it('takes worker.disconnect() for a SIGTERM, and tells at once that Node is about to close the servers', async () => {
    host.enableShutdownHooks('SIGTERM');
    given();
    host.emit('internalMessage', disconnect);
    expect(ordered.told).toEqual(['taken out', 'SIGTERM']);
    expect(host.kills).toEqual([]);
    await moment();
    expect(host.kills).toEqual([[host.pid, 'SIGTERM']]);
  });

  it("hears of it before Node's own listener", () => {
    host.enableShutdownHooks('SIGTERM');
    host.on('internalMessage', () => ordered.told.push('Node'));
    given();
    host.emit('internalMessage', disconnect);
    expect(ordered.told).toEqual(['taken out', 'SIGTERM', 'Node']);
    host.removeAllListeners('internalMessage');
  });

  it('takes it for no second signal where the shutdown has begun', async () => {
    host.enableShutdownHooks('SIGINT');
    given();
    ordered.isAnyRunning = false;
    host.emit('internalMessage', disconnect);
    await moment();
    expect(ordered.told).toEqual(['taken out']);
  });

  it('leaves it to Node where no shutdown hooks are enabled', async () => {
    given();
    host.emit('internalMessage', disconnect);
    host.emit('internalMessage', { cmd: 'NODE_CLUSTER', act: 'newconn' });
    host.emit('internalMessage', undefined);
    await moment();
    expect(ordered.told).toEqual([]);
    expect(host.kills).toEqual([]);
  });

  it("takes PM2's shutdown message for its SIGINT", async () => {
    host.enableShutdownHooks('SIGTERM', 'SIGINT');
    given({ isPm2: true });
    host.emit('message', 'shutdown');
    host.emit('message', { type: 'shutdown' });
    await moment();
    expect(ordered.told).toEqual(['SIGINT']);
    expect(host.kills).toEqual([[host.pid, 'SIGINT']]);
  });

  it("takes it in PM2's fork mode, too, and keeps no process alive that would end by itself", async () => {
    let counted = 0;
    const channel = { refCounted: () => counted++, unrefCounted: () => counted-- };
    Object.assign(host, { channel });
    // As Node does.
    host.on('newListener', (name) => name === 'message' && counted++);
    host.on('removeListener', (name) => name === 'message' && counted--);
    host.enableShutdownHooks('SIGINT');
    given({ isWorker: false, isPm2: true });
    expect(counted).toBe(0);
    host.emit('message', 'shutdown');
    expect(ordered.told).toEqual(['SIGINT']);
    await moment();
    orders.stop();
    expect(counted).toBe(0);
    host.removeAllListeners('newListener').removeAllListeners('removeListener');
  });

  it('sends no signal when the application closes itself upon the message', async () => {
    host.enableShutdownHooks('SIGINT');
    given({ isPm2: true });
    host.emit('message', 'shutdown');
    ordered.isAnyRunning = false;
    await moment();
    expect(ordered.told).toEqual(['SIGINT']);
    expect(host.kills).toEqual([]);
  });

  it('takes a message of that name for nothing without PM2', async () => {
    host.enableShutdownHooks('SIGINT');
    given();
    host.emit('message', 'shutdown');
    await moment();
    expect(ordered.told).toEqual([]);
  });

  it('keeps Node from ending a worker in mid-shutdown because its primary process died', () => {
    given();
    expect(worker.exitedAfterDisconnect).toBeUndefined();
    orders.shutdownBegan();
    expect(worker.exitedAfterDisconnect).toBe(true);
  });

  it('lets Node end it with its primary process again where another application runs on', () => {
    given();
    orders.shutdownBegan();
    orders.shutdownBegan();
    orders.runsOn();
    expect(worker.exitedAfterDisconnect).toBe(false);
  });

  it('leaves a worker taken out that has been taken out meanwhile', () => {
    given();
    orders.shutdownBegan();
    host.emit('internalMessage', disconnect);
    orders.runsOn();
    expect(worker.exitedAfterDisconnect).toBe(true);
  });

  it('listens for nothing where there is no primary process', () => {
    given({ isWorker: false });
    orders.shutdownBegan();
    expect(host.listenedFor).toEqual([]);
  });
});
