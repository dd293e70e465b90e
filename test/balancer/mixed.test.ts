import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { balancersHere } from './support/installed.js';
import { nameOfMixed, runMixedCell, speaksHttp2, type MixedResult } from './support/mixed/mixed-cell.js';
import { kindsIn, mixedBalancers, mixedCell, mixedControlCell } from './support/mixed/mixed-matrix.js';
import { inParallel } from './support/rounds.js';
import { takeSnapshot, type Snapshot } from './support/snapshot.js';

const minutes = 60_000;

/** What each kind has to come to in a cell, so that each is really in the mix. */
const atLeast: Readonly<Record<string, number>> = {
  requests: 200,
  uploads: 8,
  downloads: 4,
  events: 200,
  WebSocket: 300,
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const balancers = balancersHere(mixedBalancers, say);
const cells = balancers.map((balancer) => mixedCell(balancer));
/** Clients, balancers and replicas of a cell take one core. */
const cellsAtOnce = 2;

describe('Rolling two replicas with all kinds of connections mixed', () => {
  let snapshot: Snapshot;
  let outcomes: PromiseSettledResult<MixedResult>[];
  beforeAll(async () => {
    snapshot = takeSnapshot();
    outcomes = await inParallel(cells, cellsAtOnce, (cell) => runMixedCell(cell, snapshot.mixed));
  }, 5 * minutes);
  afterAll(() => snapshot?.remove());

  it.each(cells.map((cell) => [nameOfMixed(cell), cell] as const))('loses nothing behind %s', (name, cell) => {
    const result = settled(outcomes[cells.indexOf(cell)]!);
    say(figures(name, result));
    expect(result.story).toBe('');
    expect(result.kinds.map(({ kind }) => kind).sort()).toEqual(kindsIn(cell).sort());
    for (const { kind, right, failed } of result.kinds) {
      expect({ kind, failed }).toEqual({ kind, failed: 0 });
      expect({ kind, isEnough: right >= (atLeast[kind.split(',')[0]!] ?? atLeast.requests!) }).toEqual({
        kind,
        isEnough: true,
      });
    }
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

  it.each(cells.map((cell) => [nameOfMixed(cell), cell] as const))(
    'tells the clients to leave behind %s',
    (_, cell) => {
      const { kinds } = settled(outcomes[cells.indexOf(cell)]!);
      const noted = (wanted: string, what: string): number =>
        kinds.find(({ kind }) => kind === wanted)?.noted[what] ?? 0;
      expect(noted('WebSocket', 'told to leave')).toBeGreaterThan(0);
      expect(noted('events, HTTP/1.1', 'clean ends')).toBeGreaterThan(0);
      expect(noted('events, HTTP/1.1', 'streams resumed')).toBeGreaterThan(0);
      // HAProxy's sessions in `http` mode are its own: they outlive the replicas.
      if (speaksHttp2(cell) && cell.balancer !== 'haproxy-http') {
        expect(noted('HTTP/2', 'told to leave')).toBeGreaterThan(0);
        expect(noted('HTTP/2', 'answered on a second session')).toBe(noted('HTTP/2', 'refused'));
        expect(noted('events, HTTP/2', 'clean ends')).toBeGreaterThan(0);
      }
    },
  );

  it(
    'loses some of each kind without nestjs-drain, or the test would be void',
    async () => {
      const control = mixedControlCell(balancers.find((each) => each === 'haproxy-tcp') ?? balancers[0]!);
      const result = await runMixedCell(control, snapshot.mixed);
      say(figures(nameOfMixed(control), result));
      const lossless = result.kinds.filter(({ failed }) => failed === 0).map(({ kind }) => kind);
      expect(lossless).toEqual([]);
    },
    2 * minutes,
  );
});

function settled(outcome: PromiseSettledResult<MixedResult>): MixedResult {
  if (outcome.status === 'fulfilled') return outcome.value;
  throw outcome.reason;
}

function figures(name: string, { kinds, failed, shutdowns }: MixedResult): string {
  const each = kinds.map(
    (report) => `${report.kind} ${report.right}${report.failed > 0 ? ` (${report.failed} failed)` : ''}`,
  );
  const times = shutdowns.map(({ ms }) => Math.round(ms)).join(', ');
  return `mixed, ${name}: ${failed} failed; ${each.join(', ')}; shutdowns ${times} ms`;
}
