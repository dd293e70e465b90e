import { Agent, request } from 'node:http';
import { readFileSync } from 'node:fs';
import { Deferred } from '../../../src/sequence/deferred.js';

/** What came of the requests. */
export interface GroupFigures {
  requests: number;
  /** No whole answer, or one that is no 200: by what happened, and on what kind of connection. */
  lost: Record<string, number>;
  probes: number;
  failedProbes: number;
  /** Payments that were answered and are not in the ledger once. */
  notOnce: number;
  longestMs: number;
  /** When the first of the lost were sent, and what became of them. */
  losses: string[];
}

/** So many of them are told one by one. */
const toldLosses = 50;

/**
 * What each connection is used for: `rest` is the pause between two requests, ms, give or take a half. None rests for
 * the 5 s after which Node closes an idle connection, for then a request and a FIN would cross.
 */
const kinds = [
  { name: 'new', isKept: false, rest: 15 },
  { name: 'new', isKept: false, rest: 60 },
  { name: 'kept', isKept: true, rest: 0 },
  { name: 'kept', isKept: true, rest: 20 },
  { name: 'kept', isKept: true, rest: 150 },
  { name: 'resting', isKept: true, rest: 1_500 },
  { name: 'resting', isKept: true, rest: 2_500 },
] as const;

const pathsOf = ['/orders', 'POST /pay', '/orders', '/slow', 'POST /pay', '/health/ready'] as const;

/** Strict clients of a group: none sends anything twice. A fair one reads the FIN that has come before it writes. */
export class GroupLoad {
  readonly figures: GroupFigures = {
    requests: 0,
    lost: {},
    probes: 0,
    failedProbes: 0,
    notOnce: 0,
    longestMs: 0,
    losses: [],
  };
  /** Resolves when something has been lost. */
  readonly firstLoss = new Deferred<void>();
  private static instances = 0;
  /** Several loads may have the same ledger. */
  private readonly name = ++GroupLoad.instances;
  private readonly paid: string[] = [];
  private isOver = false;
  private readonly clients: Promise<void>[];

  constructor(
    private readonly port: number,
    private readonly ledger: string,
    perKind = 3,
  ) {
    this.clients = kinds.flatMap((kind) => Array.from({ length: perKind }, (_, place) => this.run(kind, place)));
  }

  async end(): Promise<GroupFigures> {
    this.isOver = true;
    await Promise.all(this.clients);
    const times = new Map<string, number>();
    for (const id of readFileSync(this.ledger, 'utf8').split('\n')) times.set(id, (times.get(id) ?? 0) + 1);
    this.figures.notOnce = this.paid.filter((id) => times.get(id) !== 1).length;
    return this.figures;
  }

  private async run({ name, isKept, rest }: (typeof kinds)[number], place: number): Promise<void> {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    for (let turn = place; !this.isOver; turn++) {
      const what = pathsOf[turn % pathsOf.length]!;
      const id = `${this.name}-${name}-${rest}-${place}-${turn}`;
      await this.ask(agent, name, what, id);
      const until = performance.now() + rest * (0.5 + Math.random());
      while (!this.isOver && performance.now() < until) await pause(Math.min(50, until - performance.now()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    agent.destroy();
  }

  private async ask(agent: Agent, kind: string, what: string, id: string): Promise<void> {
    const { figures } = this;
    const sentAt = new Date().toISOString();
    const startedAt = performance.now();
    const method = what.startsWith('POST ') ? 'POST' : 'GET';
    const path = what.replace('POST ', '');
    const isProbe = path === '/health/ready';
    const outcome = await send(agent, this.port, method, path, method === 'POST' ? JSON.stringify({ id }) : undefined);
    const ms = Math.round(performance.now() - startedAt);
    figures.longestMs = Math.max(figures.longestMs, ms);
    if (isProbe) figures.probes++;
    else figures.requests++;
    if (outcome === '200') {
      if (method === 'POST') this.paid.push(id);
      return;
    }
    if (isProbe) figures.failedProbes++;
    const reason = `${outcome} (${kind})`;
    figures.lost[reason] = (figures.lost[reason] ?? 0) + 1;
    this.firstLoss.resolve();
    if (figures.losses.length < toldLosses) figures.losses.push(`${sentAt} ${what}: ${reason} after ${ms} ms`);
  }
}

function send(agent: Agent, port: number, method: string, path: string, body?: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request({ agent, port, host: '127.0.0.1', method, path, headers, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when so many processes have answered on this port: whoever starts them may return before they listen. */
export async function allServe(port: number, processes: number): Promise<void> {
  const seen = new Set<unknown>();
  const endAt = performance.now() + 30_000;
  while (seen.size < processes) {
    if (performance.now() > endAt) throw new Error(`Expected ${processes} processes to serve, got ${seen.size}.`);
    await fetch(`http://127.0.0.1:${port}/orders`, { headers: { connection: 'close' } })
      .then(async (answer) => seen.add(((await answer.json()) as { pid: number }).pid))
      .catch(() => pause(100));
  }
}
