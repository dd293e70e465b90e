import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from '../support/raw-client.js';
import { build, Child, endAll } from './support/child.js';
import { whyNoPid1 } from './support/namespaces.js';

const whyNot = whyNoPid1();
if (whyNot) process.stderr.write(`\nSkipped, for no process can be made PID 1 here: ${whyNot}\n`);

beforeAll(build);
afterEach(endAll);

(whyNot ? describe.skip : describe)('An application that is PID 1', () => {
  it.each<[NodeJS.Signals]>([['SIGTERM'], ['SIGINT']])('exits with 0 on %s, with a timer forgotten', async (signal) => {
    const child = await Child.start('orders', { as: 'pid-1', timer: true });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.signal(signal);
    await child.entered('draining');
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it('stays for ever without the module', async () => {
    const child = await Child.start('orders', { as: 'pid-1', timer: true, drain: false });
    child.signal('SIGTERM');
    await child.until('destroyed');
    // The database stays destroyed, and nobody is left who listens for the signal, so that it does nothing.
    child.say('look');
    await child.until('still here', ({ listeners }) => listeners === 0);
  });

  it('exits with 0 when shutdown() is called', async () => {
    const child = await Child.start('orders', { as: 'pid-1', timer: true });
    child.say('shutdown');
    expect(await child.report()).toMatchObject({ reason: 'a deployment', clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it.each([{ crashing: { exitCode: 7 } }, { crashing: {}, exitCode: 7 }])(
    'exits with the code that a crash has set (%j)',
    async (setup) => {
      const child = await Child.start('orders', { as: 'pid-1', timer: true, ...setup });
      child.say('crash');
      expect(await child.report()).toMatchObject({ reason: 'a crash', clean: true });
      expect(await child.ended).toMatchObject({ end: 7 });
    },
  );

  it('exits with 1 when it is unclean', async () => {
    const child = await Child.start('orders', { as: 'pid-1', timer: true, hook: 'rejects' });
    child.signal('SIGTERM');
    expect(await child.ended).toMatchObject({ end: 1 });
  });

  it('exits with 130 when it is forced', async () => {
    const child = await Child.start('orders', { as: 'pid-1', timer: true, hook: 'waits' });
    child.signal('SIGTERM');
    await child.until('hook', ({ phase }) => phase === 'releasing');
    child.signal('SIGINT');
    expect(await child.ended).toMatchObject({ end: 130 });
  });
});
