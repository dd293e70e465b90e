import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
// @ts-expect-error -- a script without types
import * as scripts from '../scripts/brokers.mjs';
import { type Brokers, type End, Pipeline } from './support/pipeline.js';

const { missingBrokers, startBrokers } = scripts as {
  missingBrokers(): string[];
  startBrokers(): Promise<Brokers>;
};
const missing = missingBrokers();
const describeWithBrokers = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) {
  if (process.env.REQUIRE_BROKERS === '1') throw new Error(`${missing.join(', ')} not found, and required.`);
  process.stderr.write(`Skipped: the pipeline over brokers. ${missing.join(', ')} not found.\n`);
}

const ordersPerSecond = 60;
const nothingLost = { failed: 0, lost: 0, twice: 0, countsCut: 0 };

let pipeline: Pipeline;
afterEach(() => pipeline.clear());

/** Rolls each part under load. */
async function rollUnderLoad(parts: readonly Parameters<Pipeline['roll']>[0][]): Promise<readonly End[]> {
  await pipeline.start();
  const ends: End[] = [];
  const rolling = (async () => {
    for (const part of parts) ends.push(...(await pipeline.roll(part)));
  })();
  await Promise.all([pipeline.load(ordersPerSecond, rolling), rolling]);
  return ends;
}

/** 1 would say that something was cut, or had failed. */
function uncleanOf(ends: readonly End[]): readonly End[] {
  return ends.filter(({ code }) => code !== 0 && code !== null);
}

describeWithBrokers('The pipeline over RabbitMQ, Redis and gRPC', () => {
  let brokers: Brokers;
  beforeAll(async () => {
    brokers = await startBrokers();
  }, 240_000);
  afterAll(() => brokers?.stop());

  it('packs each order once while each of its parts is rolled', async () => {
    pipeline = new Pipeline(brokers);
    const ends = await rollUnderLoad(['worker', 'ledger', 'api', 'worker']);
    await pipeline.settle();
    const all = [...ends, ...(await pipeline.stopAll())];
    const account = pipeline.account();
    expect(account).toMatchObject(nothingLost);
    expect(account.accepted).toBeGreaterThan(300);
    expect(uncleanOf(all)).toEqual([]);
  }, 240_000);

  it('loses orders without the module', async () => {
    pipeline = new Pipeline(brokers, { WITHOUT_DRAIN: '1' });
    await rollUnderLoad(['worker', 'ledger', 'api', 'worker']);
    await pipeline.settle();
    await pipeline.stopAll();
    const account = pipeline.account();
    expect(account.failed + account.lost + account.twice + account.countsCut).toBeGreaterThan(0);
  }, 240_000);
});

describe('The pipeline in memory', () => {
  it('packs each order once before it ends', async () => {
    pipeline = new Pipeline(undefined);
    const rolled = await rollUnderLoad(['ledger', 'ledger']);
    // In the middle of the last orders: nobody else has them.
    const ends = [...rolled, ...(await pipeline.stopAll())];
    const account = pipeline.account();
    expect(account).toMatchObject(nothingLost);
    expect(account.accepted).toBeGreaterThan(50);
    expect(uncleanOf(ends)).toEqual([]);
  }, 120_000);

  it('loses orders without the module', async () => {
    pipeline = new Pipeline(undefined, { WITHOUT_DRAIN: '1' });
    await rollUnderLoad(['ledger', 'ledger']);
    await pipeline.stopAll();
    const account = pipeline.account();
    expect(account.failed + account.lost + account.twice + account.countsCut).toBeGreaterThan(0);
  }, 120_000);
});
