import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nameOf, runCell, type Cell, type CellResult } from './support/cell.js';
import { balancersHere, isInstalled } from './support/installed.js';
import { adapters, controlCell, realBalancers, rollingCell } from './support/matrix.js';
import { reloadWithoutRolling } from './support/reload-control.js';
import { inParallel, runCellFor } from './support/rounds.js';
import { takeSnapshot, type Snapshot } from './support/snapshot.js';

const requestsPerCell = 5_000;
const minutes = 60_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const balancers = balancersHere(realBalancers, say);

let snapshot: Snapshot;
beforeAll(() => {
  snapshot = takeSnapshot();
}, 2 * minutes);
afterAll(() => snapshot?.remove());

describe.each(balancers)('Rolling three replicas behind %s', (balancer) => {
  let outcomes: PromiseSettledResult<CellResult>[];
  const cells = adapters.map((adapter) => rollingCell(balancer, adapter));
  beforeAll(async () => {
    outcomes = await inParallel(cells, cells.length, (cell) => runCellFor(requestsPerCell, cell, snapshot.main));
  }, 5 * minutes);

  it.each(adapters)('loses no request of an application on %s', (adapter) => {
    const result = settled(outcomes[adapters.indexOf(adapter)]!);
    say(figures(rollingCell(balancer, adapter), result));
    expect(result.story).toBe('');
    expect(result.failed).toBe(0);
    expect(result.requests).toBeGreaterThanOrEqual(requestsPerCell);
    for (const { replica, report, killed, lateQueries, signal } of result.shutdowns) {
      expect({ replica, killed, lateQueries, signal, clean: report?.clean }).toEqual({
        replica,
        killed: false,
        lateQueries: 0,
        signal: 'SIGTERM',
        clean: true,
      });
    }
  });

  it(
    'loses requests without nestjs-drain, or the test would be void',
    async () => {
      const control = controlCell(balancer, balancer === 'haproxy-tcp' ? 'fastify' : 'express');
      const result = await runCell(control, snapshot.main);
      say(figures(control, result));
      expect(result.failed).toBeGreaterThan(0);
    },
    2 * minutes,
  );
});

(isInstalled('nginx') ? describe : describe.skip)('Reloading nginx without rolling anything', () => {
  it(
    'loses no request, so that what is lost in a roll is not nginx’s',
    async () => {
      const report = await reloadWithoutRolling('fastify', snapshot.main);
      say(`nginx, reloads alone: ${report.requests} requests, ${report.failed} failed`);
      expect(report.failures).toEqual([]);
      expect(report.requests).toBeGreaterThan(500);
    },
    minutes,
  );
});

function settled(outcome: PromiseSettledResult<CellResult>): CellResult {
  if (outcome.status === 'fulfilled') return outcome.value;
  throw outcome.reason;
}

function figures(cell: Cell, { requests, failed, slowestMs, shutdowns }: CellResult): string {
  const times = shutdowns.map(({ ms }) => Math.round(ms)).join(', ');
  return `${nameOf(cell)}: ${requests} requests, ${failed} failed, slowest ${Math.round(slowestMs)} ms, shutdowns ${times} ms`;
}
