import {
  Replica,
  rollingRestart,
  StrictClients,
  TcpBalancer,
  type Balancer,
  type RequestSpec,
  type RollingFailure,
  type StrictClientsOptions,
} from '../../../packages/tools/src/drill/index.js';
import { type ShutdownReport } from '../../../src/index.js';
import { HaProxy } from './haproxy.js';
import { mix } from './mix.js';
import { Nginx } from './nginx.js';

export type BalancerName = 'haproxy-http' | 'haproxy-tcp' | 'nginx' | 'tcp-balancer';
export type AdapterName = 'express' | 'fastify';

/** Who asks while the replicas are rolled. */
export interface Traffic extends Pick<StrictClientsOptions, 'clients' | 'thinkMs' | 'ratePerSecond'> {
  readonly name: string;
  /** Every request on a connection of its own, instead of a kept one. */
  readonly churns?: boolean;
  /** How long it takes until every kept connection has been used once, where that is longer than the quiet time. */
  readonly roundMs?: number;
}

/** One rolling restart: what is rolled, behind what, and who asks meanwhile. */
export interface Cell {
  readonly balancer: BalancerName;
  readonly adapter: AdapterName;
  /** With nestjs-drain, or the same application without it. */
  readonly manner: 'with' | 'without';
  readonly replicas: number;
  readonly traffic: Traffic;
  /**
   * How long the balancer still routes to a replica after its readiness has failed. @default as the balancer is usually
   * set up
   */
  readonly lagMs?: number;
  /** Traffic before the first replica is signalled. @default 1_000 */
  readonly warmUpMs?: number;
  /** Before a replica is killed. @default 30_000 */
  readonly graceMs?: number;
}

export interface CellShutdown {
  readonly replica: string;
  /** From the signal to the exit. */
  readonly ms: number;
  readonly killed: boolean;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Of nestjs-drain. */
  readonly report?: ShutdownReport;
  /** Requests that the replica had seen when the signal came, and for how long it had looked. */
  readonly seen?: { readonly requests: number; readonly ms: number };
  /** When the last request of its lame duck came, since that began; negative when none came. */
  readonly lastArrivalMs?: number;
  /** How often the database was used after it had been closed. */
  readonly lateQueries: number;
}

export interface CellResult {
  readonly requests: number;
  readonly failed: number;
  readonly failuresByKind: Readonly<Partial<Record<string, number>>>;
  /**
   * A sentence for each of the first failures, and what the replicas and the balancer had to say; empty when nothing
   * failed.
   */
  readonly story: string;
  readonly connections: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  readonly durationMs: number;
  readonly shutdowns: readonly CellShutdown[];
}

export const readinessPath = '/health/ready';
const toldFailures = 30;
/**
 * Generous, since a machine that is busy with something else is slow and loses nothing. Twice the drain timeout, so
 * that a hang is seen.
 */
const clientTimeoutMs = 20_000;
const rotationTimeoutMs = 30_000;
const probeTimeoutMs = 2_000;
/** Where the lag matters it counts from the first check that fails, which comes up to this late. */
const checkPeriodMs = 100;

/** Rolls every replica of the cell once. @param main the application, of a snapshot */
export async function runCell(cell: Cell, main: string): Promise<CellResult> {
  const balancer = await startBalancer(cell);
  try {
    const { clients: clientCount, thinkMs, ratePerSecond, churns = false } = cell.traffic;
    const clients = new StrictClients({
      url: balancer.url,
      mix: churns ? mix.map(onItsOwnConnection) : mix,
      clients: clientCount,
      thinkMs,
      ratePerSecond,
      timeoutMs: clientTimeoutMs,
    });
    const replicas: Replica[] = [];
    const report = await rollingRestart({
      replicas: cell.replicas,
      balancer,
      clients,
      warmUpMs: cell.warmUpMs,
      graceMs: cell.graceMs,
      rotationTimeoutMs,
      startReplica: async (number) => {
        const replica = await startReplica(main, cell, number);
        replicas.push(replica);
        return replica;
      },
    });
    const shutdowns = report.shutdowns.map(({ replica, ms, killed, exitCode, signal }): CellShutdown => {
      const { output } = replicas.find(({ name }) => name === replica)!;
      return { replica, ms, killed, exitCode, signal, ...toldBy(output) };
    });
    return {
      requests: report.requests,
      failed: report.failed,
      failuresByKind: report.failuresByKind,
      story: report.failed > 0 ? storyOf(report, replicas, balancer) : '',
      connections: report.traffic.connections,
      p50Ms: report.traffic.latency.p50Ms,
      p99Ms: report.traffic.latency.p99Ms,
      slowestMs: report.slowestMs,
      durationMs: report.traffic.durationMs,
      shutdowns,
    };
  } finally {
    await balancer.close();
  }
}

export function nameOf({ balancer, adapter, manner, lagMs, traffic }: Cell): string {
  const lag = lagMs === undefined ? '' : `, ${lagMs / 1_000} s of lag, ${traffic.name} traffic`;
  return `${balancer} × ${adapter}${lag}${manner === 'with' ? '' : ', without nestjs-drain'}`;
}

/** Starts a replica of the application of a snapshot. */
export function startReplica(
  main: string,
  { adapter, manner }: Pick<Cell, 'adapter' | 'manner'>,
  number: number,
): Promise<Replica> {
  return Replica.start({
    name: `replica-${number}`,
    args: [main, adapter, manner],
    readinessPath,
    env: { NO_COLOR: '1', NODE_ENV: 'production' },
  });
}

function onItsOwnConnection(spec: RequestSpec): RequestSpec {
  return { ...spec, headers: { ...spec.headers, Connection: 'close' } };
}

function startBalancer({ balancer, lagMs }: Cell): Promise<Balancer & { readonly output?: string }> {
  switch (balancer) {
    case 'tcp-balancer':
      return TcpBalancer.listen({ readinessPath, probePeriodMs: checkPeriodMs, probeTimeoutMs, lagMs: lagMs ?? 500 });
    case 'nginx':
      return Nginx.start({ readinessPath, lagMs });
    case 'haproxy-http':
    case 'haproxy-tcp': {
      const mode = balancer === 'haproxy-http' ? 'http' : 'tcp';
      const checks = lagMs === undefined ? {} : { checkPeriodMs, lagMs };
      return HaProxy.start({ mode, readinessPath, ...checks });
    }
  }
}

/** What an application printed: see test/balancer/apps/main.mjs. */
export function toldBy(output: string): Pick<CellShutdown, 'report' | 'seen' | 'lastArrivalMs' | 'lateQueries'> {
  const lines = output.split('\n');
  const read = (key: string): unknown => {
    const line = lines.findLast((each) => each.startsWith(`{"${key}":`));
    return line && (JSON.parse(line) as Record<string, unknown>)[key];
  };
  return {
    report: read('report') as ShutdownReport | undefined,
    seen: read('traffic') as CellShutdown['seen'],
    lastArrivalMs: read('lastArrivalMs') as number | undefined,
    lateQueries: lines.filter((line) => line.includes('DATABASE USED AFTER IT WAS CLOSED')).length,
  };
}

function storyOf(
  { failures, shutdowns }: Awaited<ReturnType<typeof rollingRestart>>,
  replicas: readonly Replica[],
  balancer: { readonly output?: string },
): string {
  const about = new Set(failures.map(({ replica }) => replica));
  return [
    ...failures.slice(0, toldFailures).map((failure) => sentenceOf(failure, shutdowns)),
    ...replicas
      .filter(({ name }) => about.has(name))
      .map(({ name, output }) => `--- ${name}:\n${output.slice(-3_000)}`),
    ...(balancer.output ? [`--- balancer:\n${balancer.output.slice(-4_000)}`] : []),
  ].join('\n');
}

function sentenceOf(
  { kind, request, detail, replica, atMs, afterMs, reusedConnection }: RollingFailure,
  shutdowns: readonly { readonly replica: string; readonly signalledAtMs: number }[],
): string {
  // What a balancer logs names the last trouble of a connection, which may have come later than this one.
  const shutdown =
    shutdowns.find((each) => each.replica === replica && each.signalledAtMs <= atMs) ??
    shutdowns.findLast((each) => each.signalledAtMs <= atMs);
  const when = shutdown
    ? `${(atMs - shutdown.signalledAtMs).toFixed(0)} ms after the SIGTERM of ${shutdown.replica}`
    : 'before any SIGTERM';
  return [
    `${kind}: ${request}, ${when} (of ${replica ?? 'an unknown replica'})`,
    `${afterMs.toFixed(0)} ms after it was sent`,
    reusedConnection ? 'on a kept connection' : 'on a new connection',
    ...(detail ? [detail] : []),
  ].join(', ');
}
