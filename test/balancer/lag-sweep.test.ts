import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaults } from '../../src/options/options.js';
import { nameOf, runCell, type CellResult } from './support/cell.js';
import { balancersHere } from './support/installed.js';
import { expectedMs, slackMs, sweepInShort } from './support/matrix.js';
import { inParallel } from './support/rounds.js';
import { takeSnapshot, type Snapshot } from './support/snapshot.js';

const minutes = 60_000;
/** The clocks of two processes, and a timer's whole milliseconds. */
const toleranceMs = 20;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const here = balancersHere(['tcp-balancer', 'haproxy-http', 'haproxy-tcp'], say);
const cells = sweepInShort.filter(({ balancer }) => here.includes(balancer));

describe('A balancer that leaves late', () => {
  let snapshot: Snapshot;
  let outcomes: PromiseSettledResult<CellResult>[];
  beforeAll(async () => {
    snapshot = takeSnapshot();
    outcomes = await inParallel(cells, 3, (cell) => runCell(cell, snapshot.main));
  }, 10 * minutes);
  afterAll(() => snapshot?.remove());

  it.each(cells.map((cell) => [nameOf(cell), cell] as const))('costs no request: %s', (name, cell) => {
    const outcome = outcomes[cells.indexOf(cell)]!;
    if (outcome.status === 'rejected') throw outcome.reason;
    const { requests, failed, story, shutdowns } = outcome.value;
    const times = shutdowns.map((each) => `${Math.round(each.ms)} of ${Math.round(expectedMs(cell, each))}`);
    say(`${name}: ${requests} requests, ${failed} failed, shutdowns ${times.join(', ')} ms`);
    expect(story).toBe('');
    expect(failed).toBe(0);
    for (const shutdown of shutdowns) {
      expect(shutdown.report?.clean).toBe(true);
      expect(shutdown.ms).toBeGreaterThanOrEqual(defaults.lameDuckWindow.minMs - toleranceMs);
      expect(shutdown.ms).toBeLessThan(expectedMs(cell, shutdown) + slackMs);
    }
  });
});
