import { describe } from '@jest/globals';
import { type BrokerAddress, type BrokerName, missingBrokers } from './brokers.js';

/**
 * `describe` for what needs these brokers. Where one is not installed its tests are skipped, and a line says so; with
 * `REQUIRE_BROKERS=1`, as in CI, that is an error instead.
 */
export function describeWithBrokers(names: BrokerName | readonly BrokerName[], title: string, body: () => void): void {
  const missing = missingBrokers([names].flat());
  if (missing === undefined) return void describe(title, body);
  if (process.env.REQUIRE_BROKERS === '1') throw new Error(`${missing}. REQUIRE_BROKERS=1 asks for them.`);
  process.stderr.write(`Skipped: ${title}. ${missing}.\n`);
  describe.skip(title, body);
}

/**
 * The broker that all files of the `brokers` project share. The first that asks has it started; it ends after the last
 * test. Names of queues, topics and groups must be the test's own. A test that stops its broker starts one itself.
 */
export async function sharedBroker(name: BrokerName): Promise<BrokerAddress> {
  const answer = await fetch(`${process.env.SHARED_BROKERS_URL}/${name}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as BrokerAddress;
}
