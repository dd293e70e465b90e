import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child } from '../../process/support/child.js';
import { awakeMs } from '../../support/awake.js';
import { type BrokerAddress, type BrokerWire, wireTo } from '../../support/brokers.js';
import { rollOnce, type RollResult, type RollSetup } from '../../support/message-load.js';

/** What every transport is rolled under. */
export const loads = [
  { load: '50 messages a second of 500 ms', rate: 50, handlerMs: 500 },
  { load: '420 messages a second of 30 ms', rate: 420, handlerMs: 30 },
] as const;

const [slow, fast] = loads;

/** Each kind of application, each end and each load meets each of the others. `bench/microservices.mjs` rolls all eight. */
export const rolls = [
  { ...slow, kind: 'microservice', end: 'SIGTERM' },
  { ...fast, kind: 'microservice', end: 'close' },
  { ...fast, kind: 'hybrid', end: 'SIGTERM' },
  { ...slow, kind: 'hybrid', end: 'close' },
] as const;

/**
 * How long the process may live on when its last handler has ended, ms. The bench judges the 150 ms that are the goal:
 * here other tests may run beside.
 */
export const exitMs = 1_000;
/** The same for what the drain deadline has cut. */
export const lateExitMs = 1_000;

/** Messages of a partition run one after the other: what is sent in the gap between two replicas is to be caught up. */
export const kafkaLoad: Partial<RollSetup> = {
  rate: 20,
  handlerMs: 100,
  server: { run: { partitionsConsumedConcurrently: 4 } },
  settleMs: 20_000,
};

/** How long the next answer is waited for where nothing is lost, ms: a successor may find a backlog, on a busy machine. */
export const patientMs = 15_000;

/** What is left of such a row for `rollOnce()`. */
export function setupOf({ rate, handlerMs, kind, end }: (typeof rolls)[number]): Partial<RollSetup> {
  return { rate, handlerMs, kind, end, settleMs: patientMs };
}

/** How long the drain of a transport whose broker fails may take, ms. */
export const failingDrainMs = 2_000;

/** In the middle of the drain: the broker has confirmed its beginning, and handlers run. */
export const midDrainMs = 200;

/** How long an application that tells when it is awake was so, from then (`Date.now()`) to its end, ms. */
export async function awakeFrom(at: number, child: Child): Promise<number> {
  await child.ended;
  const marks = child.told.filter(({ event }) => event === 'awake').map((told) => told.at as number);
  return awakeMs(marks, at, Date.now());
}

/** Rolls a replica, and fails the wire between it and its broker, nobody else's, so long after its drain has begun. */
export async function rollOver(
  broker: BrokerAddress,
  setup: Omit<RollSetup, 'url'>,
  fail: (wire: BrokerWire) => void | Promise<void>,
  { afterMs = 0, heldUntil }: { afterMs?: number; heldUntil?: (wire: BrokerWire) => Promise<void> } = {},
): Promise<RollResult> {
  const wire = await wireTo(broker);
  try {
    return await rollOnce({
      ...setup,
      url: wire.url,
      directUrl: broker.url,
      drain: { drainTimeoutMs: failingDrainMs },
      inDrain: async () => {
        if (afterMs > 0) await sleep(afterMs);
        await fail(wire);
      },
      heldUntil: () => heldUntil?.(wire),
    });
  } finally {
    await wire.stop();
  }
}

/** The replica is connected again, and messages would have come to it since. */
export async function connectedForLong(wire: BrokerWire): Promise<void> {
  await wire.connected();
  await sleep(500);
}

/** A broker that fails costs what it has not delivered. Nothing else is lost, and the report says what happened. */
export function expectOnlyTheBrokerFailed(result: RollResult, transport: string): void {
  const { cut, twice, afterDestroy, unhandledRejections } = result;
  expect({ cut, twice, afterDestroy, unhandledRejections }).toEqual({
    cut: 0,
    twice: 0,
    afterDestroy: 0,
    unhandledRejections: [],
  });
  expect(result.report!.clean).toBe(false);
  expect(result.report!.leftovers.map(({ name }) => name).join()).toContain(transport);
  // The drain, what is left of the longest handler, and closing.
  expect(result.awakeMs).toBeLessThan(failingDrainMs + 800);
}
