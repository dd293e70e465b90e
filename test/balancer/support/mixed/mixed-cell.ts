import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Replica, TcpBalancer, type Backend, type Balancer } from '../../../../packages/tools/src/drill/index.js';
import { firstGeneration, putInRotation, rollGeneration } from '../../../../packages/tools/src/drill/roll.js';
import { sleep } from '../../../../packages/tools/src/drill/timing.js';
import { certificate } from '../../../support/certificate.js';
import { readinessPath, toldBy, type BalancerName, type CellShutdown } from '../cell.js';
import { HaProxy } from '../haproxy.js';
import { Nginx } from '../nginx.js';
import { EventClients } from './event-clients.js';
import { download, downloadOverHttp2, requests, upload } from './exchanges.js';
import { Front } from './front.js';
import { Http1Clients } from './http1-clients.js';
import { Http2Clients } from './http2-clients.js';
import { reportsOf, type KindOfClients } from './kind-of-clients.js';
import { SocketClients } from './socket-clients.js';
import { type KindReport } from './tally.js';

/** How many clients there are of each kind. */
export interface Crowd {
  readonly requests: number;
  readonly uploads: number;
  readonly downloads: number;
  readonly events: number;
  readonly sockets: number;
  /** Between two requests of one client, and two messages of one WebSocket. */
  readonly thinkMs: number;
}

/** One rolling restart with all kinds of connections mixed. */
export interface MixedCell {
  readonly balancer: BalancerName;
  /** With nestjs-drain, or the same application without it. */
  readonly manner: 'with' | 'without';
  readonly replicas: number;
  readonly crowd: Crowd;
  /** Before a replica is killed. @default 30_000 */
  readonly graceMs?: number;
}

export interface MixedShutdown extends Omit<CellShutdown, 'seen'> {
  readonly signalledAt: number;
}

export interface MixedResult {
  readonly kinds: readonly KindReport[];
  readonly failed: number;
  /**
   * A sentence for each of the first failures, and what the replicas and the balancer had to say; empty when nothing
   * failed.
   */
  readonly story: string;
  readonly durationMs: number;
  readonly shutdowns: readonly MixedShutdown[];
}

const warmUpMs = 2_000;
const coolDownMs = 1_000;
const rotationTimeoutMs = 30_000;
const toldFailures = 40;

/** Whether the balancer speaks HTTP/2 to the clients. nginx speaks none to the replicas, and is left at HTTP/1.1. */
export function speaksHttp2({ balancer }: MixedCell): boolean {
  return balancer !== 'nginx';
}

export function nameOfMixed({ balancer, manner }: MixedCell): string {
  return `${balancer}${manner === 'with' ? '' : ', without nestjs-drain'}`;
}

/** Rolls every replica of the cell once. @param main the application, of a snapshot */
export function runMixedCell(cell: MixedCell, main: string): Promise<MixedResult> {
  return new MixedRoll(cell, main).run();
}

/** A replica, and the address at which the balancer knows it. */
interface Member {
  readonly replica: Replica;
  readonly backend: Backend;
  readonly front?: Front;
}

class MixedRoll {
  private readonly ledger = join(tmpdir(), `nestjs-drain-ledger-${randomUUID()}`);
  private readonly members: Member[] = [];
  private readonly shutdowns: MixedShutdown[] = [];
  private started = 0;

  constructor(
    private readonly cell: MixedCell,
    private readonly main: string,
  ) {}

  async run(): Promise<MixedResult> {
    const balancer = await startBalancer(this.cell);
    const begunAt = performance.now();
    try {
      const sockets = socketsOf(this.cell, urlOf(this.cell, balancer));
      const kinds = [...clientsOf(this.cell, urlOf(this.cell, balancer)), sockets];
      await this.roll(balancer, kinds);
      sockets.settleWith(existsSync(this.ledger) ? readFileSync(this.ledger, 'utf8') : '');
      const reports = reportsOf(kinds);
      const failed = reports.reduce((sum, each) => sum + each.failed, 0);
      return {
        kinds: reports,
        failed,
        story: failed > 0 ? this.storyOf(reports, balancer) : '',
        durationMs: performance.now() - begunAt,
        shutdowns: this.shutdowns,
      };
    } finally {
      for (const { front } of this.members) front?.close();
      await balancer.close();
      rmSync(this.ledger, { force: true });
    }
  }

  private async roll(balancer: Balancer, kinds: readonly KindOfClients[]): Promise<void> {
    try {
      const rolled = {
        takeIn: () => this.takeIn(balancer),
        takeOut: (member: Member) => this.takeOut(member, balancer),
      };
      const generation = await firstGeneration(this.cell.replicas, rolled);
      for (const kind of kinds) kind.start();
      await sleep(warmUpMs);
      await rollGeneration(generation, rolled);
      await sleep(coolDownMs);
    } finally {
      await Promise.all(kinds.map((kind) => kind.stop()));
      await Promise.all(this.members.map(({ replica }) => replica.stop('SIGKILL')));
    }
  }

  private async takeIn(balancer: Balancer): Promise<Member> {
    const member = await this.start(++this.started);
    await putInRotation(balancer, member.backend, rotationTimeoutMs);
    return member;
  }

  private async start(number: number): Promise<Member> {
    const name = `replica-${number}`;
    const { key, cert } = certificate();
    const replica = await Replica.start({
      name,
      args: [this.main, this.cell.manner],
      readinessPath,
      env: { NO_COLOR: '1', NODE_ENV: 'production', KEY: key, CERT: cert, LEDGER: this.ledger },
    });
    const tls = Number(await bodyOf(`http://${replica.host}:${replica.port}/address`));
    const { host, port: clear } = replica;
    const front = this.cell.balancer === 'tcp-balancer' ? await Front.of(name, { tls, clear }) : undefined;
    const member = { replica, front, backend: front ?? { name, host, port: tls } };
    this.members.push(member);
    probePorts.set(member.backend, replica);
    return member;
  }

  private async takeOut({ replica, backend }: Member, balancer: Balancer): Promise<void> {
    const signalledAt = performance.now();
    const { ms, killed, exitCode, signal } = await replica.stop('SIGTERM', this.cell.graceMs);
    const { report, lateQueries } = toldBy(replica.output);
    this.shutdowns.push({ replica: replica.name, signalledAt, ms, killed, exitCode, signal, report, lateQueries });
    await balancer.remove(backend);
  }

  private storyOf(reports: readonly KindReport[], balancer: { readonly output?: string }): string {
    return [
      ...reports
        .flatMap(({ kind, mishaps }) => mishaps.map((mishap) => ({ kind, ...mishap })))
        .sort((one, other) => one.at - other.at)
        .slice(0, toldFailures)
        .map(({ kind, how, detail, at }) => `${kind}: ${how} ${this.when(at)}, ${detail}`),
      ...this.members.map(({ replica }) => `--- ${replica.name}:\n${replica.output.slice(-3_000)}`),
      ...(balancer.output ? [`--- balancer:\n${balancer.output.slice(-4_000)}`] : []),
    ].join('\n');
  }

  private when(at: number): string {
    const shutdown = this.shutdowns.findLast(({ signalledAt }) => signalledAt <= at);
    return shutdown
      ? `${Math.round(at - shutdown.signalledAt)} ms after the SIGTERM of ${shutdown.replica}`
      : 'before any SIGTERM';
  }
}

/** Where a backend answers probes in the clear. */
const probePorts = new WeakMap<Backend, Backend>();
const probed = (backend: Backend): Backend => probePorts.get(backend)!;

function startBalancer({ balancer }: MixedCell): Promise<Balancer & { readonly output?: string }> {
  switch (balancer) {
    case 'tcp-balancer':
      return TcpBalancer.listen({ readinessPath, lagMs: 500 });
    case 'nginx':
      return Nginx.start({ readinessPath, upgrades: true, probed });
    case 'haproxy-http':
    case 'haproxy-tcp':
      return HaProxy.start({
        mode: balancer === 'haproxy-http' ? 'http' : 'tcp',
        readinessPath,
        certificate: certificate(),
        probed,
      });
  }
}

function urlOf({ balancer }: MixedCell, { url }: Balancer): string {
  return balancer === 'nginx' ? url : url.replace(/^http:/, 'https:');
}

function clientsOf(cell: MixedCell, url: string): KindOfClients[] {
  const { requests: clients, uploads, downloads, events, thinkMs } = cell.crowd;
  const http1 = [
    new Http1Clients({ kind: 'HTTP/1.1', url, clients, thinkMs, mix: requests }),
    new Http1Clients({ kind: 'uploads, HTTP/1.1', url, clients: uploads, thinkMs, mix: [upload] }),
    new Http1Clients({ kind: 'downloads, HTTP/1.1', url, clients: downloads, thinkMs, mix: [download] }),
    new EventClients({ kind: 'events, HTTP/1.1', url, protocol: 'HTTP/1.1', clients: events }),
  ];
  if (!speaksHttp2(cell)) return http1;
  return [
    ...http1,
    new Http2Clients({ kind: 'HTTP/2', url, clients, streams: 2, thinkMs, mix: requests }),
    new Http2Clients({ kind: 'uploads, HTTP/2', url, clients: uploads, streams: 1, thinkMs, mix: [upload] }),
    new Http2Clients({
      kind: 'downloads, HTTP/2',
      url,
      clients: downloads,
      streams: 1,
      thinkMs,
      mix: [downloadOverHttp2],
    }),
    new EventClients({ kind: 'events, HTTP/2', url, protocol: 'HTTP/2', clients: events }),
  ];
}

function socketsOf({ crowd: { sockets, thinkMs } }: MixedCell, url: string): SocketClients {
  return new SocketClients({ kind: 'WebSocket', url, clients: sockets, periodMs: thinkMs });
}

function bodyOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.once('end', () => resolve(body));
    }).on('error', reject);
  });
}
