import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
// Not published: the port is chosen as the repository does.
import { freePort } from '../../../../packages/tools/dist/esm/drill/free-port.js';

export interface Brokers {
  readonly rabbitUrl: string;
  readonly redisPort: number;
  stop(): Promise<void>;
}

/** How a part ended. */
export interface End {
  readonly part: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

/** What became of all orders. */
export interface Account {
  /** Posts that were not answered with 202. */
  readonly failed: number;
  readonly accepted: number;
  readonly lost: number;
  readonly twice: number;
  /** Counts that began by the clock, and are not in the ledger. */
  readonly countsCut: number;
}

/** A part that runs, or more than one of them. */
type PartName = 'api' | 'worker' | 'ledger' | 'in-memory';

interface Part {
  readonly name: PartName;
  readonly child: ChildProcess;
  readonly env: NodeJS.ProcessEnv;
  output: string;
}

/** The whole pipeline, in processes of its own, with two of each part that listens. */
export class Pipeline {
  private readonly folder = mkdtempSync(join(tmpdir(), 'orders-pipeline-ledger-'));
  private readonly ledgerFile = join(this.folder, 'ledger.jsonl');
  private readonly agent = new Agent({ keepAlive: true });
  private readonly parts = new Set<Part>();
  private readonly counts = new Set<string>();
  private readonly accepted = new Set<string>();
  /** Posts that are not on the wire yet. */
  private readonly unsent = new Set<Promise<unknown>>();
  private failed = 0;
  private apis: Part[] = [];

  constructor(
    private readonly brokers: Brokers | undefined,
    private readonly env: NodeJS.ProcessEnv = {},
  ) {}

  async start(): Promise<void> {
    const ledgers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const { rabbitUrl, redisPort } = this.brokers ?? {};
    Object.assign(this.env, {
      LEDGER_FILE: this.ledgerFile,
      LEDGER_ADDRESSES: ledgers.join(),
      ...(this.brokers ? { RABBIT_URL: rabbitUrl, REDIS_PORT: `${redisPort}` } : {}),
    });
    for (const address of ledgers) await this.run('ledger', { LEDGER_ADDRESS: address });
    if (!this.brokers) return void (this.apis = [await this.runApi('in-memory')]);
    await this.run('worker', {});
    this.apis = [await this.runApi('api'), await this.runApi('api')];
  }

  /** Sends orders at a steady rate until `until` settles; none waits for another, and none is sent again. */
  async load(perSecond: number, until: Promise<unknown>): Promise<void> {
    const open = new Set<Promise<void>>();
    let isOver = false;
    void until.finally(() => (isOver = true)).catch(() => undefined);
    const startedAt = performance.now();
    for (let sent = 0; !isOver; sent++) {
      const post = this.post().finally(() => open.delete(post));
      open.add(post);
      await setTimeout(Math.max(0, startedAt + ((sent + 1) * 1_000) / perSecond - performance.now()));
    }
    await Promise.all(open);
  }

  /** Replaces a part: its successor is up first, but for a ledger, whose address is its own. */
  async roll(name: PartName): Promise<readonly End[]> {
    const ends: End[] = [];
    for (const part of [...this.parts].filter((each) => each.name === name)) {
      if (name === 'ledger') {
        ends.push(await this.stop(part));
        await this.run(name, part.env);
      } else if (name === 'worker') {
        await this.run(name, part.env);
        ends.push(await this.stop(part));
      } else {
        const successor = await this.runApi(name);
        this.apis = [...this.apis, successor];
        ends.push(await this.stop(part));
      }
    }
    return ends;
  }

  async stop(part: Part): Promise<End> {
    // As a balancer that has heard of it: nothing more is sent there, and what was sent is on its way when it is told.
    this.apis = this.apis.filter((each) => each !== part);
    await Promise.all(this.unsent);
    const startedAt = performance.now();
    part.child.kill('SIGTERM');
    const [code, signal] = (await once(part.child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.parts.delete(part);
    return { part: part.name, code, signal, ms: performance.now() - startedAt };
  }

  /** Waits until every order that was accepted is in the ledger, or none has come for five seconds. */
  async settle(): Promise<void> {
    for (let quiet = 0, before = -1; quiet < 50; quiet++) {
      const packed = this.idsOf('packed');
      if ([...this.accepted].every((id) => packed.includes(id))) return;
      if (packed.length > before) quiet = 0;
      before = packed.length;
      await setTimeout(100);
    }
  }

  /** What has become of everything, when all parts have ended. */
  account(): Account {
    const packed = this.idsOf('packed');
    const counted = new Set(this.idsOf('counted'));
    const unique = new Set(packed);
    return {
      failed: this.failed,
      accepted: this.accepted.size,
      lost: [...this.accepted].filter((id) => !unique.has(id)).length,
      twice: packed.length - unique.size,
      countsCut: [...this.counts].filter((id) => !counted.has(id)).length,
    };
  }

  /** Stops all parts, those first that others depend on least. */
  async stopAll(): Promise<readonly End[]> {
    const ends: End[] = [];
    for (const name of ['api', 'in-memory', 'worker', 'ledger'] as const) {
      for (const part of [...this.parts].filter((each) => each.name === name)) ends.push(await this.stop(part));
    }
    return ends;
  }

  async clear(): Promise<void> {
    this.agent.destroy();
    for (const { child } of this.parts) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  get outputs(): string {
    return [...this.parts].map(({ name, output }) => `--- ${name}\n${output}`).join('\n');
  }

  private async runApi(name: PartName): Promise<Part> {
    const part = await this.run(name, { PORT: `${await freePort()}` });
    while (!(await isReady(part))) await setTimeout(20);
    return part;
  }

  private async run(name: PartName, more: NodeJS.ProcessEnv): Promise<Part> {
    const env = { ...process.env, ...this.env, ...more };
    const child = spawn(process.execPath, [`dist/${name}/main.js`], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const part: Part = { name, child, env: more, output: '' };
    this.parts.add(part);
    await new Promise<void>((resolve, reject) => {
      const read = (text: string) => {
        part.output += text;
        for (const [, id] of text.matchAll(/^counting (\S+)$/gm)) this.counts.add(id!);
        if (/successfully started/.test(part.output)) resolve();
      };
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', read);
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code}.\n${part.output}`)));
    });
    return part;
  }

  private async post(): Promise<void> {
    const id = randomUUID();
    const api = this.apis[Math.floor(Math.random() * this.apis.length)];
    const status = api && (await this.postTo(api.env.PORT!, JSON.stringify({ id, item: 'tea' })));
    if (status === 202) this.accepted.add(id);
    else this.failed++;
  }

  private postTo(port: string, body: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const outgoing = request({
        port,
        host: '127.0.0.1',
        path: '/orders',
        method: 'POST',
        headers,
        agent: this.agent,
      });
      outgoing.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode)).on('error', () => resolve(undefined));
      });
      outgoing.on('error', () => resolve(undefined));
      const sent = new Promise((resolve) => outgoing.once('finish', resolve).once('close', resolve));
      this.unsent.add(sent);
      void sent.then(() => this.unsent.delete(sent));
      outgoing.end(body);
    });
  }

  private idsOf(kind: string): readonly string[] {
    const lines = readFileSync(this.ledgerFile, 'utf8').split('\n').filter(Boolean);
    const entries = lines.map((line) => JSON.parse(line) as { kind: string; id: string });
    return entries.filter((entry) => entry.kind === kind).map(({ id }) => id);
  }
}

async function isReady({ env }: Part): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${env.PORT}/health/ready`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
