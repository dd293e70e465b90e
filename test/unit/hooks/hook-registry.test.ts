import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HookRegistry } from '../../../src/hooks/hook-registry.js';
import { type HookOccasion, type ShutdownContext } from '../../../src/sequence/hooks.js';
import { type HookReport } from '../../../src/sequence/report.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';

let clock: FakeClock;
let registry: HookRegistry;
let reports: HookReport[];
let interruption: AbortController;
beforeEach(() => {
  clock = new FakeClock();
  registry = new HookRegistry(clock, 5_000);
  reports = [];
  interruption = new AbortController();
});
afterEach(() => clock.assertNoTimerLeft());

const never = () => new Promise(() => undefined);
const broken = () => {
  throw new Error('broken');
};

function run(over: Partial<HookOccasion> = {}): Promise<void> {
  return registry.run('releasing', {
    reason: 'app.close()',
    latestEndAt: Infinity,
    interrupted: interruption.signal,
    settled: (report) => reports.push(report),
    ...over,
  });
}

describe('HookRegistry', () => {
  it('runs the hooks of the phase that is asked for, and no others', async () => {
    const ran: string[] = [];
    for (const phase of ['lame-duck', 'draining', 'releasing'] as const) registry.add(phase, () => ran.push(phase));
    await run();
    expect(ran).toEqual(['releasing']);
  });

  it('runs lower orders first, and the next order only once they have settled', async () => {
    const ran: string[] = [];
    const gate = new Gate();
    registry.add('releasing', () => ran.push('order 10'), { order: 10 });
    registry.add('releasing', () => ran.push('order 0'));
    registry.add('releasing', () => (ran.push('order -1'), gate.pass()), { order: -1 });
    const over = run();
    await settle();
    expect(ran).toEqual(['order -1']);
    gate.release();
    await over;
    expect(ran).toEqual(['order -1', 'order 0', 'order 10']);
  });

  it('runs equal orders side by side', async () => {
    const ran: string[] = [];
    const gates = [new Gate(), new Gate()];
    gates.forEach((gate, i) => registry.add('releasing', () => (ran.push(`hook ${i}`), gate.pass())));
    const over = run();
    await settle();
    expect(ran).toEqual(['hook 0', 'hook 1']);
    gates.forEach((gate) => gate.release());
    await over;
  });

  it('reports what became of each, with its name and how long it took', async () => {
    registry.add('releasing', () => settle(), { name: 'fulfils' });
    registry.add('releasing', () => Promise.reject(new Error('no disk')), { name: 'rejects' });
    registry.add('releasing', broken, { name: 'throws' });
    registry.add('releasing', never, { name: 'hangs', timeoutMs: 200 });
    const over = run();
    await clock.advance(200);
    await over;
    const about = { phase: 'releasing', error: undefined };
    expect(reports).toHaveLength(4);
    expect(reports).toEqual(
      expect.arrayContaining([
        { ...about, name: 'fulfils', ms: 0, outcome: 'fulfilled' },
        { ...about, name: 'rejects', ms: 0, outcome: 'rejected', error: 'no disk' },
        { ...about, name: 'throws', ms: 0, outcome: 'rejected', error: 'broken' },
        { ...about, name: 'hangs', ms: 200, outcome: 'timed-out', error: 'did not settle within 200 ms' },
      ]),
    );
  });

  it.each([
    ['throws', broken],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['hangs', never],
  ])('goes on to the next order after one that %s', async (_, hook) => {
    const ran: string[] = [];
    registry.add('releasing', hook, { order: 1, timeoutMs: 100 });
    registry.add('releasing', () => ran.push('next'), { order: 2 });
    const over = run();
    await clock.advance(100);
    await expect(over).resolves.toBeUndefined();
    expect(ran).toEqual(['next']);
  });

  it('waits for a hook that is no promise as for one', async () => {
    registry.add('releasing', () => 'a value');
    await run();
    expect(reports).toMatchObject([{ outcome: 'fulfilled' }]);
  });

  it('reports a hook that settles after its time once, as timed out', async () => {
    const gate = new Gate();
    registry.add('releasing', () => gate.pass(), { timeoutMs: 100 });
    const over = run();
    await clock.advance(100);
    await over;
    gate.release();
    await settle();
    expect(reports.map(({ outcome }) => outcome)).toEqual(['timed-out']);
  });

  it('bounds a hook by the default timeout', async () => {
    registry.add('releasing', never);
    const over = run();
    await clock.advance(4_999);
    expect(reports).toEqual([]);
    await clock.advance(1);
    await over;
    expect(reports).toMatchObject([{ outcome: 'timed-out', ms: 5_000 }]);
  });

  it('bounds a hook by the instant past which none is waited for', async () => {
    registry.add('releasing', never, { order: 1 });
    registry.add('releasing', never, { order: 2 });
    const over = run({ latestEndAt: 300 });
    await clock.advance(300);
    await over;
    expect(reports).toMatchObject([
      { outcome: 'timed-out', ms: 150 },
      { outcome: 'timed-out', ms: 150 },
    ]);
  });

  it('gives each order the same part of its time, where there is too little for all', async () => {
    registry.add('releasing', never, { name: 'flush', order: 0, timeoutMs: 6_000 });
    registry.add('releasing', never, { name: 'beside', order: 0, timeoutMs: 1_000 });
    registry.add('releasing', never, { name: 'close', order: 10, timeoutMs: 2_000 });
    const over = run({ latestEndAt: 4_000 });
    await clock.advance(4_000);
    await over;
    expect(reports.map(({ name, ms }) => [name, ms])).toEqual([
      ['beside', 1_000],
      ['flush', 3_000],
      ['close', 1_000],
    ]);
  });

  it('leaves the next orders what one did not need', async () => {
    registry.add('releasing', () => undefined, { order: 0 });
    registry.add('releasing', never, { name: 'close', order: 10 });
    const over = run({ latestEndAt: 4_000 });
    await clock.advance(4_000);
    await over;
    expect(reports).toMatchObject([{ outcome: 'fulfilled' }, { name: 'close', ms: 4_000 }]);
  });

  it('gives up on what runs when it is interrupted, and begins no further', async () => {
    const ran: string[] = [];
    registry.add('releasing', never, { name: 'running', order: 1 });
    registry.add('releasing', () => ran.push('next'), { name: 'next', order: 2 });
    const over = run();
    await clock.advance(40);
    interruption.abort();
    await over;
    expect(reports).toMatchObject([
      { name: 'running', outcome: 'timed-out', ms: 40 },
      { name: 'next', outcome: 'timed-out', ms: 0, error: expect.stringContaining('not begun') },
    ]);
    expect(ran).toEqual([]);
  });

  it('begins nothing when it was interrupted before', async () => {
    const ran: string[] = [];
    registry.add('releasing', () => ran.push('hook'));
    interruption.abort();
    await run();
    expect(ran).toEqual([]);
  });

  it('takes a hook out again', async () => {
    const ran: string[] = [];
    const remove = registry.add('releasing', () => ran.push('removed'));
    registry.add('releasing', () => ran.push('kept'));
    remove();
    await run();
    expect(ran).toEqual(['kept']);
  });

  it('names a hook after its function, or else its phase', async () => {
    registry.add('releasing', function flushCache() {});
    registry.add(
      'releasing',
      (
        () => () =>
          undefined
      )(),
    );
    await run();
    expect(reports.map(({ name }) => name)).toEqual(['flushCache', 'releasing hook']);
  });

  it('knows the longest time its hooks can take: groups one after the other, equal orders side by side', () => {
    registry.add('releasing', never);
    registry.add('releasing', never, { order: 1, timeoutMs: 1_000 });
    registry.add('releasing', never, { order: 1, timeoutMs: 3_000 });
    registry.add('draining', never, { timeoutMs: 60_000 });
    expect(registry.longestMs('releasing')).toBe(8_000);
    expect(registry.longestMs('lame-duck')).toBe(0);
  });
});

describe('ShutdownContext', () => {
  async function contextOf(over: Partial<HookOccasion> = {}, timeoutMs = 1_000): Promise<ShutdownContext> {
    const gate = new Gate();
    let context!: ShutdownContext;
    registry.add('releasing', (given) => ((context = given), gate.pass()), { timeoutMs });
    void run(over);
    await gate.entered;
    return context;
  }

  it('tells the phase, the reason and the signal', async () => {
    const context = await contextOf({ reason: 'signal SIGTERM', signal: 'SIGTERM' });
    expect(context).toMatchObject({ phase: 'releasing', reason: 'signal SIGTERM', signal: 'SIGTERM' });
    await clock.advance(1_000);
  });

  it('counts down to the timeout of the hook, and aborts there', async () => {
    const context = await contextOf();
    expect(context.remainingMs()).toBe(1_000);
    await clock.advance(999);
    expect(context.remainingMs()).toBe(1);
    expect(context.deadline.aborted).toBe(false);
    await clock.advance(1);
    expect(context.deadline.aborted).toBe(true);
    await clock.advance(500);
    expect(context.remainingMs()).toBe(0);
  });

  it('counts down to the end of the budget when that comes first', async () => {
    const context = await contextOf({ latestEndAt: 250 });
    expect(context.remainingMs()).toBe(250);
    await clock.advance(250);
    expect(context.deadline.aborted).toBe(true);
  });

  it('aborts when the shutdown is interrupted', async () => {
    const context = await contextOf();
    interruption.abort();
    expect(context.deadline.aborted).toBe(true);
  });
});
