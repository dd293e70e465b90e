import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { oneKeystrokeMs } from '../../src/sequence/keystroke.js';
import { frameworks } from '../support/applications.js';
import { request } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build, Child, type ChildSetup, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

/** An application that drains, with a request that hangs. */
async function startDraining(setup: ChildSetup = {}, signal: NodeJS.Signals = 'SIGTERM'): Promise<Child> {
  const child = await Child.start('orders', setup);
  request(child.url('/held')).catch(() => undefined);
  await child.until('held');
  child.signal(signal);
  await child.entered('draining');
  return child;
}

/** Repetitions count as second signals from then on. */
async function oneKeystroke(child: Child): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, oneKeystrokeMs + 50));
  // It may have stood still. Between two answers it has heard all there was to hear, and its timers have fired.
  for (let answers = 0; answers < 2; answers++) await request(child.url('/orders'));
}

describe('A second signal', () => {
  it.each<[NodeJS.Signals, NodeJS.Signals]>([
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGINT'],
  ])('after %s, when it is %s, forces the end: 130, and a report that names what was lost', async (first, second) => {
    const child = await startDraining({}, first);
    if (first === second) await oneKeystroke(child);
    child.signal(second);
    const report = await child.report();
    expect(report).toMatchObject({ outcome: 'forced', clean: false, reason: `signal ${first}` });
    expect(report.leftovers).toContainEqual(expect.objectContaining({ kind: 'request', name: 'GET /held' }));
    expect(await child.ended).toMatchObject({ end: 130 });
  });

  it.each<[NodeJS.Signals, NodeJS.Signals]>([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
  ])('after %s, when it is %s, is ignored', async (first, second) => {
    const child = await startDraining({}, first);
    child.signal(second);
    // It is a while in coming; the answer to a late request shows that a turn of the event loop has passed.
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: first });
  });

  it('is ignored when SIGINT is set to', async () => {
    const child = await startDraining({ drain: { secondSignal: { SIGINT: 'ignore' } } }, 'SIGINT');
    await oneKeystroke(child);
    child.signal('SIGINT');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGINT' });
  });

  it('forces when SIGTERM is set to: 143', async () => {
    const child = await startDraining({ drain: { secondSignal: { SIGTERM: 'force' } } });
    await oneKeystroke(child);
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ outcome: 'forced' });
    expect(await child.ended).toMatchObject({ end: 143 });
  });

  it('that follows at once is the same keystroke, which npm and watchers hand on beside the terminal', async () => {
    const standsStillUntil = join(temporaryFolder(), 'gate');
    const child = await startDraining({ standsStillUntil }, 'SIGINT');
    await child.until('standing still');
    child.signal('SIGINT');
    // It is heard late, since the process stands still, and is the same keystroke nevertheless.
    writeFileSync(standsStillUntil, '');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGINT' });
  });

  it('that the process sends itself is none', async () => {
    const child = await startDraining({ listener: 'signals itself' }, 'SIGINT');
    await oneKeystroke(child);
    child.say('signal yourself');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGINT' });
  });

  it('forces in the lame duck too', async () => {
    const child = await Child.start('orders', { drain: { lameDuck: {} } });
    child.signal('SIGTERM');
    await child.entered('lame-duck');
    child.signal('SIGINT');
    expect(await child.report()).toMatchObject({ outcome: 'forced' });
    expect(await child.ended).toMatchObject({ end: 130 });
  });

  it('forces while a hook is waited for', async () => {
    const child = await Child.start('orders', { hook: 'waits' });
    child.signal('SIGTERM');
    await child.until('hook', ({ phase }) => phase === 'releasing');
    child.signal('SIGINT');
    expect(await child.report()).toMatchObject({ clean: false });
    expect(await child.ended).toMatchObject({ end: 130 });
  });

  it("forces while Nest's own destroy hooks are waited for", async () => {
    const child = await Child.start('orders', { destroy: 'hangs' });
    child.signal('SIGTERM');
    await child.until('destroyed');
    child.signal('SIGINT');
    expect(await child.report()).toMatchObject({ clean: false });
    expect(await child.ended).toMatchObject({ end: 130 });
  });
});

describe('A listener of somebody else for SIGTERM', () => {
  it('that stays when Nest has closed does not keep the process alive', async () => {
    const child = await Child.start('orders', { listener: 'leftover', timer: true });
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it('keeps it alive without the module', async () => {
    const child = await Child.start('orders', { drain: false, listener: 'leftover', timer: true });
    child.signal('SIGTERM');
    // The second time it is Nest, which has closed.
    await child.until('leftover listener', () => child.timesTold('leftover listener') === 2);
    child.signal('SIGTERM');
    await child.until('leftover listener', () => child.timesTold('leftover listener') === 3);
  });

  it('that calls app.close() drains as enableShutdownHooks() does', async () => {
    const child = await Child.start('orders', { listener: 'closes', hooks: false });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    await child.entered('draining');
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ reason: 'signal SIGTERM', clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
    expect(child.hasTold('app.close() resolved')).toBe(true);
  });

  it('that calls app.close(), and goes on after it, gets the time to', async () => {
    const child = await Child.start('orders', { listener: 'closes and goes on', hooks: false, timer: true });
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 7 });
  });

  it('that calls app.close() does not keep the process past its grace period', async () => {
    const drain = { gracePeriodMs: 4_000, drainTimeoutMs: 2_000, lameDuck: false } as const;
    // With its timer it would live for ever.
    const child = await Child.start('orders', { listener: 'closes', hooks: false, timer: true, drain });
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it('that ends the process when it is the only one, as signal-exit does, still does', async () => {
    const child = await Child.start('orders', { listener: 'signal-exit', hooks: false });
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('that ends the process when it is the only one leaves it to Nest, where hooks are enabled', async () => {
    const child = await startDraining({ listener: 'signal-exit' });
    child.say('release');
    expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });
});

describe('A listener that ends the process in the middle of a shutdown', () => {
  it('is named at bootstrap, and what it cuts is written as the process ends', async () => {
    const child = await Child.start('orders', { listener: 'exits', tellsChecked: true });
    await child.until('checked');
    request(child.url('/held')).catch(() => undefined);
    await child.until('held');
    child.signal('SIGTERM');
    await child.entered('draining');
    child.say('exit');
    expect(await child.ended).toMatchObject({ end: 0 });
    expect(child.output).toMatch(/WARN.*waits for SIGTERM: stopTelemetry/);
    expect(child.output).toMatch(/ends with exit code 0 in the middle of a shutdown, in phase draining/);
    expect(child.output).toContain('request GET /held');
  });
});

describe('A SIGHUP on which the process starts anew', () => {
  it.each(frameworks)('does not end it, and the next application serves (%s)', async (framework) => {
    const drain = { gracePeriodMs: 3_000, drainTimeoutMs: 1_500, lameDuck: false } as const;
    const child = await Child.start('reloading', { framework, drain });
    child.signal('SIGHUP');
    expect(await child.report()).toMatchObject({ reason: 'signal SIGHUP', clean: true });
    await child.until('still here');
    expect(await request(child.url('/orders', '2'))).toMatchObject({ status: 200, body: { number: 2 } });
    child.say('end');
    expect(await child.ended).toMatchObject({ end: 0 });
  });
});

describe('A signal in the middle of app.close()', () => {
  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])('is its first, and costs no request (%s)', async (signal) => {
    const child = await Child.start('orders', { timer: true });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.say('close');
    await child.entered('draining');
    child.signal(signal);
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ reason: 'app.close()', outcome: 'drained', clean: true });
    expect(await child.ended).toMatchObject({ end: signal });
  });
});

describe('A signal that ends no process', () => {
  it('does not make a shutdown by a signal of the app.close() that follows it', async () => {
    const child = await Child.start('orders', { listener: 'SIGWINCH', timer: true });
    child.signal('SIGWINCH');
    await child.until('SIGWINCH');
    child.say('close');
    expect(await child.report()).toMatchObject({ reason: 'app.close()' });
    // With a timer forgotten it lives on: nothing may end it.
    await child.until('app.close() resolved');
    child.say('look');
    await child.until('still here');
  });
});

describe('A signal during bootstrap', () => {
  it.each<[string, ChildSetup]>([
    ['with the module', {}],
    ['without it', { drain: false }],
  ])('ends the process, %s', async (_name, setup) => {
    const child = await Child.start('orders', { ...setup, slowStart: true }, 'initialising');
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('started')).toBe(false);
  });

  it('runs the hooks, and waits for them though bootstrap ends meanwhile', async () => {
    const child = await Child.start('orders', { slowStart: true, hook: 'waits' }, 'initialising');
    child.signal('SIGTERM');
    await child.until('hook', ({ phase }) => phase === 'releasing');
    child.say('initialise');
    await child.until('bootstrapped');
    child.say('unhook');
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('started')).toBe(false);
  });
});

describe('Two applications in one process', () => {
  const ways: [NodeJS.Signals, boolean][] = [
    ['SIGTERM', false],
    ['SIGINT', false],
    ['SIGTERM', true],
    ['SIGINT', true],
  ];

  /** A request is held in the second. */
  async function startBusy(setup: ChildSetup) {
    const child = await Child.start('two-applications', setup);
    await child.until('started', ({ name }) => name === 'busy');
    const answer = request(child.url('/held', 'busy'));
    answer.catch(() => undefined);
    await child.until('held');
    return { child, answer };
  }

  it.each(ways)('both finish on %s (useProcessExit: %s)', async (signal, useProcessExit) => {
    const { child, answer } = await startBusy({ hooks: { useProcessExit } });
    child.signal(signal);
    expect(await child.report('idle')).toMatchObject({ clean: true });
    child.say('release');
    expect(await answer).toMatchObject({ status: 200 });
    expect(await child.report('busy')).toMatchObject({ clean: true, inFlight: { atSignal: 1, finished: 1 } });
    expect(await child.ended).toMatchObject({ end: useProcessExit ? 0 : signal });
  });

  it.each(['idle', 'busy'])(
    'end the process with 1 when the %s one is unclean, whichever ends first',
    async (failing) => {
      const { child, answer } = await startBusy({ failing, hooks: { useProcessExit: true } });
      child.signal('SIGTERM');
      await child.report('idle');
      child.say('release');
      expect(await answer).toMatchObject({ status: 200 });
      await child.report('busy');
      expect(await child.ended).toMatchObject({ end: 1 });
    },
  );

  it('lose the request of the second without the module', async () => {
    const { child, answer } = await startBusy({ drain: false, hooks: { useProcessExit: true } });
    child.signal('SIGTERM');
    await expect(answer).rejects.toThrow();
    expect(await child.ended).toMatchObject({ end: 0 });
  });
});
