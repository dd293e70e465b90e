import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { type Balancing, SharedAccept } from '../../../src/serve/balancing.js';
import { type ConnectionHandle, type ListenHandle } from '../../../src/serve/insides.js';
import { type ListeningSockets } from '../../../src/serve/listening-sockets.js';
import { type AskedAddress, type FromSupervisor, type FromWorker, opened } from '../../../src/serve/protocol.js';
import { type Readiness } from '../../../src/serve/readiness-check.js';
import { WorkerProcess } from '../../../src/serve/worker-process.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

/** A child without a process: a test speaks for it. */
class FakeChild extends EventEmitter {
  connected = true;
  pid?: number;
  /** It ends some time after it was killed. */
  endsLater = false;
  readonly heard: FromSupervisor[] = [];
  readonly signals: string[] = [];

  send(message: unknown, _handle: unknown, _options: object, sent: (error: Error | null) => void): void {
    this.heard.push(opened<FromSupervisor>(message)!);
    sent(null);
  }

  kill(signal: string): void {
    this.signals.push(signal);
    if (signal === 'SIGKILL' && !this.endsLater) this.emit('exit', null, 'SIGKILL');
  }

  says(nestjsDrain: FromWorker): void {
    this.emit('message', { nestjsDrain });
  }

  /** As Node answers each handle. */
  gets(hasArrived: boolean): void {
    this.emit('internalMessage', { cmd: hasArrived ? 'NODE_HANDLE_ACK' : 'NODE_HANDLE_NACK' });
  }
}

const release = { version: 1, folder: '/releases/1', command: 'node', args: [] };
const client = {} as ConnectionHandle;
const socket = { listen: () => 0, close: () => undefined } as ListenHandle;
let clock: FakeClock;
let child: FakeChild;
let worker: WorkerProcess;
let balancingOf: (path: string) => Balancing;
let balanced: string[];
let said: string[];

/** It says who gets clients. */
function recordedBalancing(path: string): Balancing {
  const tell = (what: string) => () => void balanced.push(`${path} ${what}`);
  return {
    attach: async () => tell('gets clients')(),
    detach: tell('gets none'),
    close: tell('closes'),
    closeWithLast: tell('ends'),
  };
}

/** The application listens on sockets that it shares with other workers. */
async function listens(...keys: readonly string[]): Promise<void> {
  for (const path of keys) child.says({ kind: 'listen', key: path, asked: { path } });
  await settle();
  for (const key of keys) child.says({ kind: 'listening', key, at: '/private', scheme: 'other' });
}

function build(readiness: Readiness = 'listening'): void {
  clock = new FakeClock();
  child = new FakeChild();
  [balanced, said] = [[], []];
  const sockets = {
    bind: async ({ path = '' }: AskedAddress) => {
      if (path === '/taken') throw Object.assign(new Error('listen EADDRINUSE: /taken'), { code: 'EADDRINUSE' });
      return { key: path, address: path, balancing: balancingOf(path) };
    },
  };
  worker = new WorkerProcess(release, 1, child as unknown as ChildProcess, {
    clock,
    sockets: sockets as unknown as ListeningSockets,
    readiness,
    graceMs: 10_000,
    ticketKeys: '',
    say: (line) => said.push(line),
  });
}

beforeEach(() => {
  balancingOf = (path) => new SharedAccept(path, socket, 511);
  build();
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

  it('is given a socket again that did not reach it, for it had no descriptor left', async () => {
    await listens('/first');
    const served = worker.serve();
    const given = () => child.heard.filter(({ kind }) => kind === 'accept').length;
    for (let time = 1; time < 3; time++) {
      expect(given()).toBe(time);
      child.gets(false);
      await clock.advance(100);
    }
    child.gets(true);
    child.says({ kind: 'accepting', key: '/first' });
    await served;
    expect([given(), worker.phase]).toEqual([3, 'serving']);
  });

  it('is not given a socket again that it has closed meanwhile', async () => {
    await listens('/first');
    void worker.serve();
    child.says({ kind: 'closed', key: '/first' });
    child.gets(false);
    await clock.advance(100);
    expect(child.heard.at(-1)).toMatchObject({ kind: 'accept' });
    expect(child.heard).toHaveLength(2);
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
    child.says({ kind: 'listen', key: '/taken', asked: { path: '/taken' } });
    await settle();
    expect(worker.standing).toBe('listen EADDRINUSE: /taken');
    expect(child.heard).toMatchObject([{ kind: 'refused', key: '/taken', error: { code: 'EADDRINUSE' } }]);
  });

  it('is so once it has said it, where it is to', async () => {
    build('message');
    await listens('/first');
    expect(worker.phase).toBe('starting');
    child.emit('message', 'ready');
    expect(worker.phase).toBe('ready');
  });

  it('never is once it has been killed, nor gets clients', async () => {
    child.endsLater = true;
    worker.kill('it is not ready after 30000 ms');
    await listens('/first');
    expect(worker.phase).toBe('retiring');
  });

  it('is gone where it cannot be started', async () => {
    child.emit('error', new Error('spawn ENOENT'));
    await clock.advance(50);
    expect(await worker.gone).toBe('spawn ENOENT');
  });
});

describe('The clients of a worker', () => {
  beforeEach(() => {
    balancingOf = recordedBalancing;
  });

  it('come by each socket that it listens on, also by a later one, until it has closed that', async () => {
    await listens('/first');
    await worker.serve();
    await listens('/later');
    expect(balanced).toEqual(['/first gets clients', '/later gets clients']);
    child.says({ kind: 'closed', key: '/first' });
    expect(balanced.slice(2)).toEqual(['/first gets none']);
    expect(worker.keys).toEqual(['/later']);
    worker.retire('rolled');
    expect(balanced.slice(3)).toEqual(['/later gets none']);
  });

  it('stay away from one that retires before it serves', async () => {
    await listens('/first');
    worker.retire('rolled');
    await worker.serve();
    expect(balanced).toEqual(['/first gets none']);
  });

  it('go on coming where all stop, for as long as the worker listens', async () => {
    await listens('/first');
    await worker.serve();
    worker.retire('stopped');
    expect(balanced).toEqual(['/first gets clients']);
  });

  it.each<[string, () => void]>([
    ['is killed', () => worker.kill('it hangs')],
    ['ends by itself', () => child.emit('exit', 1, null)],
  ])('come no longer when it %s', async (_, end) => {
    child.endsLater = true;
    await listens('/first');
    await worker.serve();
    end();
    expect(balanced.slice(1)).toEqual(['/first gets none']);
  });

  it('that it was offered, and has not said to have taken, go to others a moment after its end', async () => {
    const taken: [number, boolean][] = [];
    for (let each = 0; each < 3; each++) worker.offer('/first', client, (isTaken) => taken.push([each, isTaken]));
    expect(worker.pending).toBe(3);
    child.says({ kind: 'taken', connection: 0 });
    child.says({ kind: 'taken', connection: 0 });
    child.emit('exit', 1, null);
    // Its last word is read after its end.
    child.says({ kind: 'taken', connection: 1 });
    await clock.advance(49);
    expect(taken).toEqual([
      [0, true],
      [1, true],
    ]);
    await clock.advance(1);
    expect(taken.slice(2)).toEqual([[2, false]]);
    expect(worker.pending).toBe(0);
  });

  it('that did not reach it, for it had no descriptor left, go to others after a while', async () => {
    const taken: [number, boolean][] = [];
    for (let each = 0; each < 3; each++) worker.offer('/first', client, (isTaken) => taken.push([each, isTaken]));
    child.gets(true);
    child.gets(false);
    child.gets(true);
    child.says({ kind: 'taken', connection: 0 });
    child.says({ kind: 'taken', connection: 2 });
    // So long it is offered less than others.
    await clock.advance(99);
    expect(worker.pending).toBe(1);
    await clock.advance(1);
    expect(taken).toEqual([
      [0, true],
      [2, true],
      [1, false],
    ]);
    expect(worker.pending).toBe(0);
  });
});

describe('A worker that retires', () => {
  it('is told how, once', () => {
    worker.retire('stopped', 'SIGINT');
    worker.retire('rolled');
    expect(child.heard).toEqual([{ kind: 'retire', manner: 'stopped', signal: 'SIGINT', withinMs: 10_000 }]);
  });

  it('is killed when it has not ended within its grace period, from its answer on', async () => {
    worker.retire('rolled');
    await clock.advance(500);
    child.says({ kind: 'retiring' });
    await clock.advance(9_999);
    expect(child.signals).toEqual([]);
    await clock.advance(1);
    expect(child.signals).toEqual(['SIGKILL']);
    await clock.advance(50);
    expect(await worker.gone).toBe('SIGKILL: it has not ended within 10000 ms of being told to');
    expect(worker.wasKilled).toBe(true);
    clock.assertNoTimerLeft();
  });

  it('has been killed with what it had in hand, too, when it is ended before its time', () => {
    worker.retire('stopped', 'SIGINT');
    worker.kill('a second SIGINT');
    expect(worker.wasKilled).toBe(true);
  });

  it('gets the signal itself when it does not answer, and is killed as late', async () => {
    worker.retire('rolled', 'SIGINT');
    await clock.advance(999);
    expect(child.signals).toEqual([]);
    await clock.advance(1);
    expect(child.signals).toEqual(['SIGINT']);
    await clock.advance(8_999);
    expect(child.signals).toEqual(['SIGINT']);
    await clock.advance(1);
    expect(child.signals).toEqual(['SIGINT', 'SIGKILL']);
  });

  it('is not asked any longer whether it is ready', async () => {
    build({ path: '/health/ready' });
    await listens('/first');
    await settle();
    expect(clock.armedAt).toEqual([100]);
    worker.retire('rolled');
    child.says({ kind: 'retiring' });
    expect(clock.armedAt).toEqual([10_000]);
  });

  it('has ended when it has: nothing more is done to it', async () => {
    worker.retire('rolled');
    child.emit('exit', 0, null);
    await clock.advance(50);
    clock.assertNoTimerLeft();
    worker.kill('too late');
    worker.retire('rolled');
    expect([child.signals, said]).toEqual([[], []]);
    expect(child.heard).toHaveLength(1);
    expect(await worker.gone).toBe('exit code 0');
  });

  it('is told nothing without a channel', () => {
    child.connected = false;
    worker.retire('rolled');
    expect(child.heard).toEqual([]);
  });
});

describe('What a worker has started', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('ends with it, by the signal of its group, and once more when it has ended', () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    child.pid = 4_711;
    worker.kill('it hangs');
    expect(kill.mock.calls).toEqual([[-4_711, 'SIGKILL']]);
    expect(child.signals).toEqual([]);
    child.emit('exit', null, 'SIGKILL');
    expect(kill.mock.calls).toHaveLength(2);
  });
});

describe('What is heard of a worker', () => {
  it('is whatever it says next', async () => {
    let isHeard = false;
    await clock.advance(300);
    expect(worker.silentMs).toBe(300);
    child.says({ kind: 'alive', rss: 1 });
    expect([worker.silentMs, worker.rss]).toEqual([0, 1]);
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
    // Nobody had told it to end.
    expect(worker.wasKilled).toBe(false);
  });
});
