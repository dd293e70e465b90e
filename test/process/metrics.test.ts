import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from '../support/raw-client.js';
import { build, Child, type ChildSetup, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

/** What it has told of these, in order. */
function order(child: Child, ...events: string[]): string[] {
  return child.told.map(({ event }) => event).filter((event) => events.includes(event));
}

async function signalled(setup: ChildSetup): Promise<Child> {
  const child = await Child.start('metrics', setup);
  child.signal('SIGTERM');
  return child;
}

describe('What an observed application has to send', () => {
  it('is sent when the report is there, and before the process ends', async () => {
    const child = await signalled({ exporter: 'waits' });
    expect(await child.until('exporting')).toMatchObject({ outcomes: ['drained'] });
    expect(await child.report()).toMatchObject({ clean: true });
    child.say('exported');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(order(child, 'report', 'exporting', 'exported')).toEqual(['report', 'exporting', 'exported']);
    const spans = child.told.filter(({ event }) => event === 'span').map(({ span }) => String(span));
    expect(spans).toEqual(['shutdown lame-duck', 'shutdown draining', 'shutdown releasing', 'shutdown']);
  });

  it('is sent behind the hard stop, too', async () => {
    const child = await signalled({ destroy: 'hangs', drain: { gracePeriodMs: 2_000 } });
    expect(await child.ended).toMatchObject({ end: 1 });
    expect((await child.report()).endedBy).toBe('hard-stop');
    expect(order(child, 'report', 'exported')).toEqual(['report', 'exported']);
  });

  it('does not hold a process whose collector does not answer', async () => {
    const child = await signalled({ exporter: 'hangs', drain: { hookTimeoutMs: 300 } });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.output).toContain('After the report, flush had not ended after 300 ms');
  });

  it('is lost where nobody says what to flush', async () => {
    const child = await signalled({ flush: false });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('exporting')).toBe(false);
  });
});

describe('A scrape of a process that drains', () => {
  it.each([
    ['tells where it stands, when its path is allowed', ['/metrics'], 200],
    ['is refused when it is not', [], 503],
  ])('%s', async (_name, allowDuringShutdown, status) => {
    const child = await Child.start('metrics', { drain: { drainTimeoutMs: 10_000, allowDuringShutdown } });
    const held = request(child.url('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    await child.entered('draining');
    const scrape = await request(child.url('/metrics'));
    expect(scrape.status).toBe(status);
    if (status === 200) {
      expect(scrape.text).toContain('nestjs_drain_phase{phase="draining"} 1');
      expect(scrape.text).toContain('nestjs_drain_in_flight{kind="request"} 1');
    }
    child.say('release');
    expect(await held).toMatchObject({ status: 200 });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });
});
