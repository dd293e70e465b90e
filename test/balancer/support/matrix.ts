import { defaults } from '../../../src/options/options.js';
import { type AdapterName, type BalancerName, type Cell, type CellShutdown, type Traffic } from './cell.js';

export const adapters: readonly AdapterName[] = ['express', 'fastify'];
export const realBalancers: readonly BalancerName[] = ['haproxy-http', 'haproxy-tcp', 'nginx'];

/** A cell of the rolling restart: three replicas, forty clients unless there are to be more. */
export function rollingCell(balancer: BalancerName, adapter: AdapterName, thinkMs = 100, clients = 40): Cell {
  return { balancer, adapter, manner: 'with', replicas: 3, traffic: { name: 'pooled', clients, thinkMs } };
}

/** The same without nestjs-drain. A replica that hangs is killed early: what it loses, it has lost by then. */
export function controlCell(balancer: BalancerName, adapter: AdapterName): Cell {
  return { ...rollingCell(balancer, adapter), manner: 'without', graceMs: 2_000 };
}

/** Who asks while a balancer takes its time to leave. */
export const traffics = {
  pooled: { name: 'pooled', clients: 40, thinkMs: 100 },
  churning: { name: 'churning', clients: 20, thinkMs: 100, churns: true },
  low: { name: 'low', clients: 2, ratePerSecond: 2 },
  /**
   * Every kept connection rests for five seconds, and is told to leave with its next answer. One that rests for longer
   * than the lame duck cannot be told: it is closed unused, and a request that is written at that very moment is lost.
   * HTTP/1.1 has no word against it.
   */
  'low pooled': { name: 'low pooled', clients: 10, ratePerSecond: 2, roundMs: 5_000 },
} as const satisfies Record<string, Traffic>;

export function sweepCell(
  balancer: BalancerName,
  adapter: AdapterName,
  lagMs: number,
  trafficName: keyof typeof traffics,
): Cell {
  const traffic: Traffic = traffics[trafficName];
  // Low traffic must be seen for a while before its mean gap means something.
  const warmUpMs = traffic.ratePerSecond === undefined ? 1_000 : 6_000;
  return { balancer, adapter, manner: 'with', replicas: 2, traffic, lagMs, warmUpMs };
}

/** The part of the sweep that CI runs: each lag, each mode, each traffic at least once. */
export const sweepInShort: readonly Cell[] = [
  sweepCell('haproxy-http', 'fastify', 8_000, 'pooled'),
  sweepCell('haproxy-http', 'express', 4_500, 'low'),
  sweepCell('tcp-balancer', 'fastify', 4_500, 'churning'),
  sweepCell('tcp-balancer', 'express', 2_000, 'low pooled'),
  sweepCell('haproxy-http', 'fastify', 2_000, 'pooled'),
  sweepCell('tcp-balancer', 'fastify', 500, 'low'),
  sweepCell('haproxy-http', 'express', 500, 'churning'),
  sweepCell('tcp-balancer', 'express', 0, 'pooled'),
  sweepCell('haproxy-tcp', 'fastify', 2_000, 'churning'),
];

/**
 * All of it. At 8 s a TCP balancer may find nobody to route here any more, and then the lame duck rightly ends before.
 */
export const sweepInFull: readonly Cell[] = (['tcp-balancer', 'haproxy-http', 'haproxy-tcp'] as const).flatMap(
  (balancer) =>
    adapters.flatMap((adapter) =>
      [0, 500, 2_000, 4_500, 8_000].flatMap((lagMs) =>
        (Object.keys(traffics) as (keyof typeof traffics)[])
          .filter((traffic) => lagMs < 8_000 || (balancer === 'haproxy-http' && traffic !== 'low pooled'))
          .map((traffic) => sweepCell(balancer, adapter, lagMs, traffic)),
      ),
    ),
);

/** What a shutdown may take beyond `expectedMs`: the first check that fails, the drain, and the exit of the process. */
export const slackMs = 1_500;

/**
 * How long a shutdown has to take with the default options: max(`minMs`, lag + effective quiet), and never longer than
 * `maxMs`.
 *
 * The effective quiet is the larger of `quietMs` and five times the mean gap that the replica had seen. Where clients and
 * balancers are late, for the machine is busy, the last request comes later than the lag says.
 */
export function expectedMs({ lagMs = 0, traffic }: Cell, { seen, lastArrivalMs = 0 }: CellShutdown): number {
  const { minMs, quietMs, maxMs } = defaults.lameDuckWindow;
  const meanGapMs = seen && seen.requests >= 2 ? seen.ms / seen.requests : 0;
  const effectiveQuietMs = Math.max(quietMs, 5 * meanGapMs);
  const lastMs = Math.max(lagMs, traffic.roundMs ?? 0, lastArrivalMs);
  return Math.min(maxMs, Math.max(minMs, lastMs + effectiveQuietMs));
}
