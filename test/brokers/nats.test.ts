import { expect, it } from '@jest/globals';
import { type RollResult, rollOnce, type RollSetup, flawsOf } from '../support/message-load.js';
import { wireTo } from '../support/brokers.js';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';

const loads = {
  '50 messages a second of 500 ms': { rate: 50, handlerMs: 500 },
  '420 messages a second of 30 ms': { rate: 420, handlerMs: 30 },
} as const;
const ends = [
  { kind: 'microservice', end: 'SIGTERM' },
  { kind: 'microservice', end: 'close' },
  { kind: 'hybrid', end: 'SIGTERM' },
  { kind: 'hybrid', end: 'close' },
] as const;

async function roll(setup: Partial<RollSetup>): Promise<RollResult> {
  return rollOnce({ transport: 'nats', url: (await sharedBroker('nats')).url, ...setup });
}

describeWithBrokers('nats', 'NATS with a queue', () => {
  for (const [name, load] of Object.entries(loads)) {
    it.each(ends)(`loses nothing at ${name}: $kind, $end`, async (how) => {
      const result = await roll({ ...load, ...how });
      expect(flawsOf(result)).toEqual({});
      expect(result).toMatchObject({ exit: how.end === 'close' ? 0 : expect.anything(), report: { clean: true } });
      expect(result.exitAfterLastHandlerMs).toBeLessThan(150);
    });
  }

  it('does not wait out the grace period that Nest has for it, and says so at bootstrap', async () => {
    const result = await roll({ server: { gracefulShutdown: true, gracePeriod: 10_000 } });
    expect(flawsOf(result)).toEqual({});
    expect(result.exitAfterLastHandlerMs).toBeLessThan(150);
    expect(result.output).toContain('gracefulShutdown');
  });
});
