import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from '../support/raw-client.js';
import { build, Child, type ChildSetup, endAll } from './support/child.js';
import { whyNoPid1 } from './support/namespaces.js';

beforeAll(build);
afterEach(endAll);

/** The warnings an application prints, from its start until the checks have run and `requests` have been answered. */
async function warningsOf(setup: ChildSetup = {}, requests: RequestHeaders[] = []): Promise<string[]> {
  const child = await Child.start('checked', setup);
  await child.until('checked');
  for (const headers of requests) await request(child.url('/health/live'), { headers });
  await child.kill();
  return child.output.split('\n').filter((line) => line.includes('WARN'));
}
type RequestHeaders = Record<string, string>;

const forwarded = { 'X-Forwarded-For': '10.1.2.3' };

describe('The startup checks', () => {
  it('say nothing of an application that is set up well', async () => {
    expect(await warningsOf({ keepAliveTimeout: 65_000 }, [forwarded, forwarded])).toEqual([]);
  });

  it.each<[string, ChildSetup, RequestHeaders[], string]>([
    ['shutdown hooks that are not enabled', { hooks: false }, [], 'app.enableShutdownHooks()'],
    ['health routes that are not marked', { isMarked: false }, [], 'HealthController uses HealthCheckService'],
    [
      'health routes that are not marked, by the types of TypeScript',
      { isMarked: false, emitsTypes: true },
      [],
      'HealthController uses HealthCheckService',
    ],
    [
      'lame duck off under Kubernetes',
      { drain: { lameDuck: false }, env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } },
      [],
      'lameDuck is off under Kubernetes',
    ],
    [
      "Terminus' own delay",
      { terminus: { gracefulShutdownTimeoutMs: 3_000 } },
      [],
      'gracefulShutdownTimeoutMs (3000 ms)',
    ],
    ['a short keepAliveTimeout behind a proxy', {}, [{}, forwarded, forwarded], 'keepAliveTimeout is'],
    [
      'a short keepAliveTimeout behind a proxy that speaks RFC 7239',
      {},
      [{ Forwarded: 'for=10.1.2.3' }, forwarded],
      'keepAliveTimeout is',
    ],
  ])('warn of %s, once', async (_name, setup, requests, expected) => {
    expect(await warningsOf(setup, requests)).toEqual([expect.stringContaining(expected)]);
  });

  it('look at what serves without HTTP, and leave alone what serves nobody', async () => {
    const outputOf = async (sources: string[]) => {
      const child = await Child.start('jobs', { sources, hooks: false, tellsWhenChecked: true });
      await child.until('checked');
      await child.kill();
      return child.output;
    };
    expect(await outputOf(['schedule'])).toContain('Nobody listens for SIGTERM');
    expect(await outputOf([])).not.toContain('Nobody listens for SIGTERM');
  });

  it('leave a short keepAliveTimeout alone where no proxy is seen', async () => {
    expect(await warningsOf({}, [{}, {}])).toEqual([]);
  });

  const whyNot = whyNoPid1();
  if (whyNot) process.stderr.write(`\nSkipped, for no shell can be made PID 1 here: ${whyNot}\n`);
  (whyNot ? it.skip : it)('warn of a shell that is PID 1, and not of node that is', async () => {
    expect(await warningsOf({ as: 'child-of-a-shell' })).toEqual([expect.stringMatching(/PID 1 is '(ba|da)?sh'/)]);
    // It takes the container for docker's, whose grace period is short.
    expect(await warningsOf({ as: 'pid-1', drain: { gracePeriodMs: 30_000 } })).toEqual([]);
  });

  it('are silent when the application closes before they run', async () => {
    const child = await Child.start('orders', { hooks: false, closesAtOnce: true, tellsChecked: true });
    await child.ended;
    expect(child.output).not.toContain('WARN');
  });
});
