import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Drainable, type Leftover } from '../../../src/sequence/drainable.js';
import { Drains } from '../../../src/sequence/drains.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { never } from './sequence-under-test.js';

let clock: FakeClock;
let interruption: AbortController;
let leases: Leftover[];
let cut: Leftover[];
let failed: string[];
let log: string[];
let drains: Drains;
const deadline = new AbortController().signal;

beforeEach(() => {
  clock = new FakeClock();
  interruption = new AbortController();
  [leases, cut, failed, log] = [[], [], [], []];
  drains = new Drains({
    clock,
    interrupted: interruption.signal,
    leases: () => leases,
    account: {
      cut: (leftovers) => cut.push(...leftovers),
      drainableFailed: (name, error) => failed.push(`${name}: ${error}`),
    },
  });
});
afterEach(() => {
  clock.assertNoTimerLeft();
});

/** Adds a drainable that logs its calls, and does at once what it is not told to do otherwise. */
function drainable(name: string, over: Partial<Drainable> = {}): Drainable {
  const logging =
    <Step extends keyof Drainable>(step: Step, otherwise: unknown) =>
    (...args: unknown[]): unknown => {
      log.push(`${name} ${step}`);
      const own = over[step] as ((...given: unknown[]) => unknown) | undefined;
      return own ? own(...args) : otherwise;
    };
  const added = {
    name,
    announce: logging('announce', undefined),
    drain: logging('drain', undefined),
    forceClose: logging('forceClose', []),
    close: logging('close', undefined),
  } as Drainable;
  drains.add(added);
  return added;
}

const broken = (): never => {
  throw new Error('broken');
};

describe('A drainable', () => {
  it('goes from registered over announced and draining to drained, and is closed', async () => {
    const gate = new Gate();
    const server = drainable('server', { drain: () => gate.pass() });
    expect(drains.stageOf(server)).toBe('registered');
    drains.announce(0);
    expect(drains.stageOf(server)).toBe('announced');
    drains.drain(deadline);
    expect([drains.stageOf(server), drains.areBusy]).toEqual(['draining', true]);
    gate.release();
    await drains.ended();
    expect([drains.stageOf(server), drains.areBusy]).toEqual(['drained', false]);
    await drains.close(new AbortController(), 1_000);
    expect(drains.stageOf(server)).toBe('closed');
    expect(log).toEqual(['server announce', 'server drain', 'server close']);
    expect(failed).toEqual([]);
  });

  it('is told how long the telling may take, and never a negative time', async () => {
    const spreads: number[] = [];
    drainable('early', { announce: (ms) => void spreads.push(ms) });
    drains.announce(1_000);
    await clock.advance(400);
    drainable('late', { announce: (ms) => void spreads.push(ms) });
    await clock.advance(1_000);
    drainable('too late', { announce: (ms) => void spreads.push(ms) });
    expect(spreads).toEqual([1_000, 600, 0]);
  });

  it('takes at once the steps that the others have begun, each once, however often it is added', async () => {
    drains.announce(0);
    drains.drain(deadline);
    const late = drainable('late');
    drains.add(late);
    drains.announce(0);
    drains.drain(deadline);
    await drains.ended();
    expect(log).toEqual(['late announce', 'late drain']);
  });

  it('is waited for when it is added while the others are', async () => {
    const [first, second] = [new Gate(), new Gate()];
    drainable('first', { drain: () => first.pass() });
    drains.drain(deadline);
    let haveEnded = false;
    void drains.ended().then(() => (haveEnded = true));
    await settle();
    drainable('second', { drain: () => second.pass() });
    first.release();
    await settle();
    expect(haveEnded).toBe(false);
    second.release();
    await settle();
    expect(haveEnded).toBe(true);
  });

  it('does without the steps that it leaves out', async () => {
    drains.add({ name: 'bare', drain: async () => undefined, forceClose: async () => [] });
    drains.announce(0);
    drains.drain(deadline);
    await drains.ended();
    await drains.close(new AbortController(), 1_000);
    expect(failed).toEqual([]);
  });

  it('names what it had to cut on the way, and is not believed when that is no list', async () => {
    const client: Leftover = { kind: 'websocket', name: 'ws server /', ageMs: 5 };
    drainable('server', { drain: async () => [client] });
    drainable('of the user', { drain: (async () => 'done') as never });
    drains.drain(deadline);
    await drains.ended();
    expect([cut, failed]).toEqual([[client], []]);
  });

  it.each(['announce', 'drain', 'close'] as const)(
    'that throws in %s has failed, is named, and takes the further steps all the same',
    async (step) => {
      const server = drainable('server', { [step]: broken });
      const healthy = drainable('healthy');
      const failedAfter: Record<string, boolean> = {};
      const look = (after: string) => (failedAfter[after] = drains.stageOf(server) === 'failed');
      drains.announce(0);
      await settle();
      look('announce');
      drains.drain(deadline);
      await drains.ended();
      look('drain');
      await drains.close(new AbortController(), 1_000);
      look('close');
      expect(failedAfter[step]).toBe(true);
      expect(failed).toEqual(['server: broken']);
      expect(log.filter((line) => line.startsWith('server'))).toEqual([
        'server announce',
        'server drain',
        'server close',
      ]);
      expect(drains.stageOf(healthy)).toBe('closed');
    },
  );

  it('is named when its name is all that is left of it', async () => {
    const member = { name: 'server', drain: broken, forceClose: async () => [] };
    drains.add(member);
    Object.defineProperty(member, 'name', { get: broken });
    drains.drain(deadline);
    await drains.ended();
    expect(failed).toEqual(['server: broken']);
  });
});

describe('Drains.cut', () => {
  it('cuts all of them once, and names the leases and what the drainables say', async () => {
    const socket: Leftover = { kind: 'connection', name: 'http server', ageMs: 5 };
    leases = [{ kind: 'request', name: 'GET /stuck', ageMs: 100 }];
    const hanging = drainable('hanging', { drain: never });
    const server = drainable('server', { forceClose: async () => [socket] });
    drains.drain(deadline);
    await settle();
    await Promise.all([drains.cut(), drains.cut()]);
    expect([drains.stageOf(hanging), drains.stageOf(server)]).toEqual(['cut', 'cut']);
    expect(cut).toEqual([...leases, socket]);
    expect(log.filter((line) => line.endsWith('forceClose'))).toHaveLength(2);
    expect(failed).toEqual([]);
  });

  it('names a drainable that hung when nothing else names what it waited for', async () => {
    drainable('hanging', { drain: never });
    drainable('healthy');
    drains.drain(deadline);
    await settle();
    await drains.cut();
    expect(failed).toEqual(['hanging: drain() was still pending when it was cut, and forceClose() named nothing']);
  });

  it('does not hold it against a drainable that nobody waited until its drain had ended', async () => {
    drainable('busy', { drain: never });
    drains.drain(deadline);
    interruption.abort();
    await drains.cut();
    expect(failed).toEqual([]);
  });

  it('goes on when one throws, and names it', async () => {
    const server = drainable('server', { forceClose: broken });
    const other = drainable('other');
    await drains.cut();
    expect([drains.stageOf(server), drains.stageOf(other)]).toEqual(['failed', 'cut']);
    expect(failed).toEqual(['server: broken']);
  });

  it('does not believe a drainable whose leftovers are no list', async () => {
    drainable('of the user', { forceClose: (async () => undefined) as never });
    await drains.cut();
    expect([cut, failed]).toEqual([[], []]);
  });

  it('waits half a second for one that hangs, names it, and has cut the others by then', async () => {
    const hanging = drainable('hanging', { forceClose: never });
    const other = drainable('other');
    let isOver = false;
    void drains.cut().then(() => (isOver = true));
    await clock.advance(499);
    expect([isOver, drains.stageOf(other)]).toEqual([false, 'cut']);
    await clock.advance(1);
    expect([isOver, drains.stageOf(hanging)]).toEqual([true, 'failed']);
    expect(failed).toEqual(['hanging: forceClose() did not settle within 500 ms']);
  });

  it('comes before any other step, too', async () => {
    const server = drainable('server');
    await drains.cut();
    expect([drains.stageOf(server), log]).toEqual(['cut', ['server forceClose']]);
  });
});

describe('Drains.close', () => {
  it('aborts its deadline when the time is up, and cuts what has not closed by then', async () => {
    const slow = drainable('slow', { close: never });
    const controller = new AbortController();
    const closing = drains.close(controller, 1_000);
    await clock.advance(999);
    expect([controller.signal.aborted, log]).toEqual([false, ['slow close']]);
    await clock.advance(1);
    await closing;
    expect([controller.signal.aborted, log]).toEqual([true, ['slow close', 'slow forceClose']]);
    expect(drains.stageOf(slow)).toBe('cut');
  });

  it('waits no longer once it is interrupted', async () => {
    drainable('slow', { close: never });
    const closing = drains.close(new AbortController(), 1_000);
    interruption.abort();
    await closing;
    expect(log).toContain('slow forceClose');
  });

  it('comes after a cut, too', async () => {
    const server = drainable('server');
    await drains.cut();
    await drains.close(new AbortController(), 1_000);
    expect([drains.stageOf(server), log]).toEqual(['closed', ['server forceClose', 'server close']]);
  });
});
