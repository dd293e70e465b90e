import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AfterReport } from '../../../src/sequence/after-report.js';
import { type ShutdownReport } from '../../../src/sequence/report.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';

const report = { reason: 'app.close()' } as ShutdownReport;
let clock: FakeClock;
let after: AfterReport;

beforeEach(() => {
  clock = new FakeClock();
  after = new AfterReport(clock);
});
afterEach(() => clock.assertNoTimerLeft());

describe('AfterReport', () => {
  it('gives the report to all of its work side by side, and waits for it', async () => {
    const gates = [new Gate(), new Gate()];
    const given: unknown[] = [];
    for (const [place, gate] of gates.entries()) {
      after.add(async (it) => {
        given.push(it);
        await gate.pass();
      }, `export ${place}`);
    }
    let isOver = false;
    const run = after.run(report, 1_000).then((problems) => {
      isOver = true;
      return problems;
    });
    await clock.advance(0);
    expect(given).toEqual([report, report]);
    gates[0]!.release();
    await clock.advance(999);
    expect(isOver).toBe(false);
    gates[1]!.release();
    expect(await run).toEqual([]);
  });

  it('waits no longer than it is granted, and says what has not ended', async () => {
    after.add(() => new Promise(() => undefined), 'export');
    // Another of the same name has.
    after.add(() => undefined, 'export');
    const run = after.run(report, 250);
    await clock.advance(250);
    expect(await run).toEqual(['export had not ended after 250 ms']);
  });

  it('waits no longer when nobody wants to wait', async () => {
    const hurry = new AbortController();
    after.add(() => new Promise(() => undefined), 'export');
    const run = after.run(report, 1_000, hurry.signal);
    await clock.advance(400);
    hurry.abort();
    expect(await run).toEqual(['export had not ended after 400 ms']);
  });

  it('says what has failed, whether it throws or rejects', async () => {
    after.add(() => {
      throw new Error('no socket');
    }, 'one');
    after.add(() => Promise.reject(new Error('no route')), 'other');
    expect(await after.run(report, 1_000)).toEqual(['one failed: no socket', 'other failed: no route']);
  });

  it('does nothing of what was taken out again, and arms no timer for nothing', async () => {
    const remove = after.add(() => {
      throw new Error('not to be run');
    }, 'export');
    remove();
    expect(await after.run(report, 1_000)).toEqual([]);
  });
});
