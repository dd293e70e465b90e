import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apps, endCommands, runDrill, shortRoll, Turns } from '../../drill/support/run-drill.js';
import { build } from '../../../../../test/process/support/child.js';

const requests = ['--request=GET / weight=4', '--request=GET /slow'];
/** Some ten slow ones are in flight at any time: what is concluded from two of them does not hang on chance. */
const halfSlow = ['--request=GET /', '--request=GET /slow'];

/** The fault that is seeded, what the drill is asked to do, and the one piece of advice it must give first. */
const faults: readonly (readonly [fault: string, code: string | undefined, args?: readonly string[], env?: object])[] =
  [
    ['none', undefined],
    ['no-handler', 'no-signal-handler'],
    ['never-exits', 'killed', ['--grace=1500ms']],
    ['closes-listener', 'listener-closed-before-traffic-left'],
    ['keeps-ready', 'readiness-never-fails', ['--no-deregister']],
    ['refuses', '503-while-routed'],
    ['errors', '5xx-during-shutdown'],
    ['cuts-kept', 'keep-alive-cut'],
    ['cuts-in-flight', 'in-flight-cut', [...requests, '--lag=0']],
    // The slowest requests outlive it, and new ones no longer come. A timer may be late by 15 % of it.
    ['cuts-after-timeout', 'drain-too-short', [...halfSlow, '--lag=1800ms'], { LEAVING_MS: '2800' }],
    ['fails-at-rest', 'lost-at-rest'],
    ['is-slow', 'slow-shutdown', ['--grace=10s'], { LEAVING_MS: '8400' }],
    ['crashes', 'died-alone', ['--lag=0']],
    ['fails-exit', 'failed-exit'],
    ['leaves-group', 'left-group'],
    ['flaps', 'readiness-flaps'],
    // Not a fault on this platform, whose probes take it for success; anywhere else it would not start.
    ['redirects-in-kubernetes', undefined],
    ['slows-down', 'latency-in-rolls', ['--rate=120', '--warm-up=4s'], { LEAVING_MS: '3000' }],
  ];

describe('A service with a seeded fault', () => {
  const found = new Map<string, ReturnType<typeof runDrill>>();

  beforeAll(async () => {
    await build();
    const turns = new Turns(2);
    for (const [fault, , args = [], env] of faults) {
      const command = ['--', 'node', `${apps}/faulty.mjs`, fault];
      const drilled = turns.take(() => runDrill([...shortRoll, ...args, ...command], { env }));
      drilled.catch(() => undefined);
      found.set(fault, drilled);
    }
  });
  afterAll(endCommands);

  it.each(faults)('is found out: %s', async (fault, code) => {
    const drilled = await found.get(fault)!;
    const said = drilled.result.advice.map((advice) => advice.code);
    // A drill that was late itself says so instead: then it knows nothing of latencies.
    if (code === 'latency-in-rolls') expect(said).toContain(said.includes('client-late') ? 'client-late' : code);
    else if (code) expect(drilled.codes).toContain(code);
    else expect(drilled.codes).toEqual([]);
    const { totals, failures, lostNothing } = drilled.result;
    expect(drilled.code).toBe(lostNothing ? 0 : 1);
    expect(drilled.result.conclusion).toBe(lostNothing ? 'passed' : 'failed');
    expect(failures).toHaveLength(totals.failed);
    expect(Object.values(totals.failuresByKind).reduce((sum, count) => sum + count, 0)).toBe(totals.failed);
  });
});
