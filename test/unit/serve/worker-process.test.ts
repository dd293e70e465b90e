import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { SharedAccept } from '../../../src/serve/balancing.js';
import { type ListenHandle } from '../../../src/serve/insides.js';
import { type ListeningSockets } from '../../../src/serve/listening-sockets.js';
import { type AskedAddress, type FromSupervisor, type FromWorker, opened } from '../../../src/serve/protocol.js';
import { WorkerProcess } from '../../../src/serve/worker-process.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

/** A child without a process: a test speaks for it. */
class FakeChild extends EventEmitter {
  readonly connected = true;
  readonly heard: FromSupervisor[] = [];

  send(message: unknown): void {
    this.heard.push(opened<FromSupervisor>(message)!);
  }

  kill(): void {
    this.emit('exit', null, 'SIGKILL');
  }

  says(nestjsDrain: FromWorker): void {
    this.emit('message', { nestjsDrain });
  }
}

const release = { generation: 1, folder: '/releases/1', command: 'node', args: [] };
const socket = { listen: () => 0, close: () => undefined } as ListenHandle;
let clock: FakeClock;
let child: FakeChild;
let worker: WorkerProcess;

/** The application listens on sockets that it shares with other workers. */
async function listens(...keys: readonly string[]): Promise<void> {
  for (const path of keys) child.says({ kind: 'listen', key: path, asked: { path } });
  await settle();
  for (const key of keys) child.says({ kind: 'listening', key, at: '/private', scheme: 'other' });
}

beforeEach(() => {
  clock = new FakeClock();
  child = new FakeChild();
  const sockets = {
    bind: ({ path = '' }: AskedAddress) =>
      Promise.resolve({ key: path, address: path, balancing: new SharedAccept(path, socket, 511) }),
  };
  worker = new WorkerProcess(release, 1, child as unknown as ChildProcess, {
    clock,
    sockets: sockets as unknown as ListeningSockets,
    readiness: 'listening',
    graceMs: 10_000,
    ticketKeys: '',
    say: () => undefined,
  });
});

describe('A worker that accepts by itself', () => {
  it('serves as soon as it has said that it accepts, from each socket', async () => {
    await listens('/first', '/second');
    await worker.ready;
    const served = worker.serve();
    expect(child.heard.slice(-2).map(({ kind }) => kind)).toEqual(['accept', 'accept']);
    child.says({ kind: 'accepting', key: '/first' });
    await settle();
    expect(worker.phase).toBe('ready');
    child.says({ kind: 'accepting', key: '/second' });
    await served;
    expect(worker.phase).toBe('serving');
  });

  it('serves without a socket that it has closed meanwhile', async () => {
    await listens('/first', '/second');
    const served = worker.serve();
    child.says({ kind: 'accepting', key: '/first' });
    child.says({ kind: 'closed', key: '/second' });
    await served;
    expect(worker.phase).toBe('serving');
  });

  it.each<[string, () => void]>([
    ['ends', () => child.emit('exit', 1, null)],
    ['is told to retire', () => worker.retire('rolled')],
  ])('never serves when it %s before', async (_, end) => {
    await listens('/first');
    const served = worker.serve();
    end();
    await served;
    expect(worker.phase).not.toBe('serving');
  });
});

describe('A worker that is not ready', () => {
  it('says what it has been waiting for', async () => {
    expect(worker.standing).toBe('it has not listened yet');
  });
});

describe('What is heard of a worker', () => {
  it('is whatever it says next', async () => {
    let isHeard = false;
    child.says({ kind: 'alive', rss: 1 });
    const heard = worker.heard().then(() => (isHeard = true));
    await settle();
    expect(isHeard).toBe(false);
    child.says({ kind: 'alive', rss: 1 });
    await heard;
  });

  it('is at last why it was killed', async () => {
    worker.kill('it hangs');
    await clock.advance(50);
    expect(await worker.gone).toBe('SIGKILL: it hangs');
  });
});
