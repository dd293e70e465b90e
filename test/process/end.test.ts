import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { frameworks } from '../support/applications.js';
import { request } from '../support/raw-client.js';
import { build, Child, type ChildSetup, type End, endAll } from './support/child.js';
import { fastestOf, printFigures, record } from './support/figures.js';

beforeAll(build);
afterEach(endAll);
afterAll(printFigures);

describe.each(frameworks)('A SIGTERM to an application on %s', (framework) => {
  it('ends it, when all is clean, as Nest does: by the signal', async () => {
    const child = await Child.start('orders', { framework });
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ reason: 'signal SIGTERM', outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('ends it with 0 under useProcessExit', async () => {
    const child = await Child.start('orders', { framework, hooks: { useProcessExit: true } });
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it('ends it at once when it is idle', async () => {
    const name = `idle on ${framework}, SIGTERM to exit`;
    for (let round = 0; round < 5; round++) {
      const child = await Child.start('orders', { framework });
      child.signal('SIGTERM');
      const { end, ms } = await child.ended;
      expect(end).toBe('SIGTERM');
      record(name, ms);
    }
    // A busy machine is slow at times; what waits for anything does so each time.
    expect(fastestOf(name)).toBeLessThan(500);
  });

  it('waits for the request in flight, answers it whole, and destroys the database after it', async () => {
    const child = await Child.start('orders', { framework });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    await child.entered('draining');
    expect(child.hasTold('destroyed')).toBe(false);
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ clean: true, inFlight: { atSignal: 1, finished: 1 } });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('destroyed')).toBe(true);
  });

  it('destroys the database under the request without the module', async () => {
    const child = await Child.start('orders', { framework, drain: false });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    await child.until('destroyed');
    child.say('release');
    expect(await answer).toMatchObject({ body: { isOpen: false } });
  });

  it('ends it with 1 when a hook fails, and destroys the database all the same', async () => {
    const child = await Child.start('orders', { framework, hook: 'rejects' });
    child.signal('SIGTERM');
    const report = await child.report();
    expect(report).toMatchObject({ outcome: 'drained', clean: false });
    expect(report.hooks).toContainEqual(
      expect.objectContaining({ name: 'Hooks.releasing', outcome: 'rejected', error: 'the queue did not answer' }),
    );
    expect(await child.ended).toMatchObject({ end: 1 });
    expect(child.hasTold('destroyed')).toBe(true);
  });

  it('ends it with 1 under useProcessExit when a hook fails', async () => {
    const child = await Child.start('orders', { framework, hook: 'rejects', hooks: { useProcessExit: true } });
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ end: 1 });
  });

  it('ends it with 1 when the drain times out, and names what was cut', async () => {
    const child = await Child.start('orders', { framework, drain: 300 });
    const answer = request(child.url('/hanging'));
    answer.catch(() => undefined);
    await child.until('held');
    child.signal('SIGTERM');
    const report = await child.report();
    expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
    expect(report.leftovers).toContainEqual(expect.objectContaining({ kind: 'request', name: 'GET /hanging' }));
    expect(await child.ended).toMatchObject({ end: 1 });
    await expect(answer).rejects.toThrow();
  });

  it("ends it one second before gracePeriodMs when Nest's destroy hooks hang", async () => {
    const drain = { drainTimeoutMs: 1_000, gracePeriodMs: 3_000, hookTimeoutMs: 1_000 };
    const child = await Child.start('orders', { framework, drain, destroy: 'hangs', timer: true });
    child.signal('SIGTERM');
    const report = await child.report();
    const { end, ms } = await child.ended;
    record(`hard stop on ${framework}, after its 2 s`, ms - 2_000);
    expect(end).toBe(1);
    expect(ms).toBeGreaterThanOrEqual(2_000);
    // Nothing else would end it.
    expect(report).toMatchObject({ outcome: 'drained', clean: false, endedBy: 'hard-stop' });
    expect(report.leftovers).toContainEqual(expect.objectContaining({ kind: 'resource', name: 'Timeout' }));
    expect(report.advice.join()).toContain('destroy hooks');
  });

  it('gives every hook the name of the signal, before its deadline', async () => {
    const child = await Child.start('orders', { framework });
    child.signal('SIGTERM');
    await child.ended;
    const hooks = child.told.filter(({ event }) => event === 'hook');
    expect(hooks.map(({ phase }) => String(phase))).toEqual(['lame-duck', 'draining', 'releasing']);
    for (const hook of hooks) {
      expect(hook).toMatchObject({ signal: 'SIGTERM', reason: 'signal SIGTERM', isAborted: false });
      expect(hook.remainingMs).toBeGreaterThan(0);
    }
  });
});

describe('A crash that goes through shutdown()', () => {
  it.each<[string, ChildSetup, End]>([
    ['the exit code it is given', { crashing: { exitCode: 7 } }, 7],
    ['that code under useProcessExit', { crashing: { exitCode: 7 }, hooks: { useProcessExit: true } }, 7],
    ['that code without shutdown hooks', { crashing: { exitCode: 7 }, hooks: false }, 7],
    ['process.exitCode, where that has been set', { crashing: { exitCode: 7 }, exitCode: 3 }, 3],
    ['process.exitCode under useProcessExit', { crashing: {}, exitCode: 3, hooks: { useProcessExit: true } }, 3],
    ['the signal, where nobody has set a code', { crashing: {} }, 'SIGTERM'],
  ])('drains, and ends with %s', async (_name, setup, end) => {
    const child = await Child.start('orders', setup);
    const answer = request(child.url('/held'));
    await child.until('held');
    child.say('crash');
    await child.entered('draining');
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.ended).toMatchObject({ end });
  });
});

describe('app.close()', () => {
  it('gives hooks no signal, ends nothing, and leaves the process to end by itself', async () => {
    const child = await Child.start('orders', { hook: 'rejects' });
    child.say('close');
    expect(await child.report()).toMatchObject({ reason: 'app.close()', clean: false });
    await child.until('app.close() resolved');
    expect(await child.ended).toMatchObject({ end: 0 });
    for (const hook of child.told.filter(({ event }) => event === 'hook')) expect(hook.signal).toBeUndefined();
  });

  it.each([{ requests: false }, { requests: true }])('leaves nothing on the process ($requests)', async (settings) => {
    for (const framework of frameworks) {
      const child = await Child.start('tidy', { framework, ...settings }, 'footprints');
      const { before, after } = await child.until('footprints');
      expect(after).toEqual(before);
      expect(await child.ended).toMatchObject({ end: 0 });
    }
  });

  it('need not be called for an application that is never initialised', async () => {
    const child = await Child.start('tidy', { compiles: true, requests: false }, 'footprints');
    expect(await child.ended).toMatchObject({ end: 0 });
    expect(child.hasTold('warned')).toBe(false);
  });
});

describe.each(frameworks)('Applications on %s that are initialised and never closed', (framework) => {
  it.each([false, true])(
    'are collected, and the process ends by itself (signals are listened for: %s)',
    async (signals) => {
      const child = await Child.start('never-closed', { framework, signals }, 'collected');
      expect((await child.until('collected')).kept).toBe(0);
      expect(child.hasTold('warned')).toBe(false);
      if (signals) await child.kill();
      else expect(await child.ended).toMatchObject({ end: 0 });
    },
  );

  it('keep the event loop no longer than their server does', async () => {
    const child = await Child.start('never-closed', { framework, listens: true }, 'exits');
    expect(await child.ended).toMatchObject({ end: 0 });
    // The startup checks are due a second after the server has begun to listen: nothing waits for them.
    expect((await child.until('exits')).idleMs).toBeLessThan(700);
  });
});
