import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build, Child, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

describe('An application that nobody has told its grace period', () => {
  it('says at its start and in its report what Cloud Run grants, and that its parts are scaled to that', async () => {
    const child = await Child.start('orders', { drain: 10_000, env: { K_SERVICE: 'orders' } });
    child.signal('SIGTERM');
    const source = 'Google Cloud Run (K_SERVICE is set; it cannot be changed there)';
    expect(await child.report()).toMatchObject({ clean: true, gracePeriod: { ms: 10_000, source } });
    await child.ended;
    expect(child.output).toContain(`A shutdown may take 10000 ms, until SIGKILL: ${source}.`);
    expect(child.output).toMatch(/WARN.*They are scaled to fit, to at least: lame duck \d+, drain \d+, hooks \d+ ms\./);
  });

  it('takes what it is given, and says nothing of it at its start', async () => {
    const drain = { gracePeriodMs: 30_000 };
    const child = await Child.start('orders', { drain, env: { K_SERVICE: 'orders' } });
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ gracePeriod: { ms: 30_000, source: 'the option gracePeriodMs' } });
    await child.ended;
    expect(child.output).not.toContain('until SIGKILL');
  });
});
