import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ShutdownReport } from '../../../src/index.js';
import { type Child, endAll } from '../../process/support/child.js';
import { type BrokerAddress, type BrokerWire, wireTo } from '../../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../../support/describe-with-brokers.js';
import { type Mode, Roll } from './bullmq-rolls.js';
import { awakeFrom, lateExitMs } from '../support/rolls.js';

const drain = 2_000;
/** Jobs last longer than the signal takes, from when all have begun, and less than the drain. */
const patientDrain = 5_000;
const patientJobMs = 2_500;
const concurrency = 5;
const backlog = 20;
/** Short, so that another worker soon takes for stalled what was not written; a second of the machine does not count. */
const workerOptions: object = { lockDuration: 3_000, stalledInterval: 300 };
/** Of that other worker: its own jobs are never stalled. */
const finishing: object = { stalledInterval: 300 };
const modes: readonly Mode[] = ['processor', 'own'];

let redis: BrokerAddress;
let wire: BrokerWire;
let roll: Roll;

const detailsOf = ({ leftovers }: ShutdownReport) => leftovers.map(({ detail }) => detail);

/** How many jobs began after the replica had begun to drain. */
function begunLate({ told }: Child): number {
  const { at } = told.find(({ event }) => event === 'draining')!;
  return roll.entries('begun').filter((entry) => entry.at > at).length;
}

/** Stops a replica whose jobs take `jobMs`, and does something to its Redis when it has begun to drain. */
async function stop(
  mode: Mode,
  jobMs: number,
  fail: () => unknown,
  { jobs = backlog, options = workerOptions, drainMs = drain } = {},
) {
  roll = new Roll(redis, mode);
  const together = Math.min(jobs, concurrency);
  const child = await roll.start({ port: wire.port, drain: drainMs, jobMs, together, workerOptions: options });
  await roll.add(jobs);
  await roll.until('begun', together);
  const signalledAt = Date.now();
  child.signal('SIGTERM');
  await child.until('draining');
  await fail();
  const report = await child.report();
  const ms = await awakeFrom(signalledAt, child);
  return { child, report, ms };
}

/** Lets another replica do what is left. Resolves with the figures of the whole. */
async function finish() {
  await roll.start({ drain, jobMs: 10, workerOptions: finishing });
  await roll.untilDone();
  return roll.figures();
}

describeWithBrokers('redis', 'A worker of BullMQ whose Redis fails while it drains', () => {
  beforeEach(async () => {
    redis = await sharedBroker('redis');
    wire = await wireTo(redis);
  });

  afterEach(async () => {
    await endAll();
    await wire.stop();
    await roll.end();
  });

  it.each(modes)('writes what became of its jobs on the next connection, and begins none on it (%s)', async (mode) => {
    const settings = { options: {}, drainMs: patientDrain };
    const { child, report, ms } = await stop(mode, patientJobMs, () => wire.dropConnections(), settings);
    expect(begunLate(child)).toBe(0);
    expect(report).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(ms).toBeLessThan(patientDrain + lateExitMs);
    expect(child.hasTold('unhandled')).toBe(false);
    expect(await finish()).toEqual({ failed: 0, twice: 0, completed: backlog });
  });

  const failures = [
    ['is down', () => wire.goDown()],
    ['answers nothing', () => wire.goSilent()],
  ] as const;
  const cells = modes.flatMap((mode) => failures.map(([what, fail]) => [what, mode, fail] as const));

  it.each(cells)(
    'ends at the deadline where it %s, and names the jobs that it could not write (%s)',
    async (_, mode, fail) => {
      const { child, report, ms } = await stop(mode, patientJobMs, fail, { drainMs: patientDrain });
      expect(begunLate(child)).toBe(0);
      expect(roll.entries('ended')).toHaveLength(concurrency);
      expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
      // The jobs of the processor send another one as their last step, which does not end.
      const what = mode === 'processor' ? 'not handed back' : 'not written';
      expect(detailsOf(report)).toEqual(Array(concurrency).fill(`${what}: it runs again when its lock has expired`));
      expect(ms).toBeLessThan(patientDrain + lateExitMs);
      expect(child.hasTold('unhandled')).toBe(false);
      expect(await finish()).toMatchObject({ failed: 0, completed: backlog });
    },
  );

  it.each(cells)(
    'ends at the deadline where it %s, and names the jobs that it could not hand back (%s)',
    async (_, mode, fail) => {
      const { child, report, ms } = await stop(mode, 30_000, fail, { jobs: concurrency });
      expect(begunLate(child)).toBe(0);
      expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
      expect(detailsOf(report)).toEqual(
        Array(concurrency).fill('not handed back: it runs again when its lock has expired'),
      );
      expect(ms).toBeLessThan(drain + lateExitMs);
      expect(child.hasTold('unhandled')).toBe(false);
      expect(await finish()).toMatchObject({ failed: 0, completed: concurrency });
    },
  );

  const idle = async (mode: Mode, fail: () => unknown, withModule: number | false = drain) => {
    roll = new Roll(redis, mode);
    const child = await roll.start({ port: wire.port, drain: withModule, jobMs: 10, workerOptions });
    await roll.add(1);
    await roll.untilDone();
    // The worker has read the answer to the end of its job, and waits for the next one.
    await child.until('completed');
    await fail();
    return child;
  };

  it.each(cells)('ends at the deadline where it %s before the signal, and says so (%s)', async (_, mode, fail) => {
    const child = await idle(mode, fail);
    const signalledAt = Date.now();
    child.signal('SIGTERM');
    const report = await child.report();
    expect(report).toMatchObject({ outcome: 'timed-out', clean: false });
    expect(detailsOf(report)).toEqual([expect.stringContaining('Expected Redis to answer')]);
    expect(await awakeFrom(signalledAt, child)).toBeLessThan(drain + lateExitMs);
    expect(child.hasTold('unhandled')).toBe(false);
  });

  it('never ends without the module', async () => {
    const child = await idle('processor', () => wire.goDown(), false);
    child.signal('SIGTERM');
    await child.until('destroyed');
    expect(await Promise.race([child.ended, sleep(4_000)])).toBeUndefined();
  });
});
