import { aboutOf } from './about.js';
import { Ledger } from './clients/ledger.js';
import { trafficOf, type TrafficTo } from './clients/traffic-of.js';
import { type RequestOutcome, type Traffic } from './clients/traffic.js';
import { type DrillOptions, drillDefaults, settingsOf } from './drill-options.js';
import { BadInputError } from './errors.js';
import { type RecordedRequest, type RecordedRoll } from './record.js';
import { checkedRequests } from './request-check.js';
import { type DrillResult, type DrillSettings, type Interruption } from './result.js';
import { resultOf } from './result-builder.js';
import { StallWatch } from './stall-watch.js';
import { type Happening, type PlannedRoll, type Target } from './target.js';
import { targetOf } from './targets/index.js';
import { sleep } from './timing.js';

const tickMs = 200;

/**
 * Asks a target at a fixed rate and has it rolled meanwhile: replicas of a command behind a balancer, one at a time and
 * the successor first; a group of processes that a command reloads; or what others operate. Resolves when the last
 * request has its outcome; what was lost is a result.
 *
 * Rejects with a `BadInputError` when there is nothing to measure. What ends it when requests have been answered, an
 * abort or a successor that does not start, makes the result a partial one. Either way, nothing it has started is left
 * running.
 *
 * @publicApi
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  return new Drill(options).run();
}

class Drill {
  private readonly settings: DrillSettings;
  private readonly target: Target;
  private readonly stalls = new StallWatch();
  /** By number. */
  private readonly requests = new Map<number, RecordedRequest>();
  private readonly rolls: RecordedRoll[] = [];
  private readonly ending = new AbortController();
  private readonly ledger?: Ledger;
  private clients?: Traffic;

  constructor(private readonly options: DrillOptions) {
    this.settings = settingsOf(options);
    if (options.messages) this.ledger = new Ledger(options.messages.ledger);
    this.target = targetOf({
      options,
      settings: this.settings,
      signal: this.ending.signal,
      tell: (step) => this.tell(step),
      environmentOf: (replica) => this.ledger?.environmentOf(replica) ?? {},
    });
  }

  async run(): Promise<DrillResult> {
    const ticking = setInterval(() => this.tick(), tickMs);
    const work = this.work();
    try {
      await Promise.race([work, this.aborted()]);
    } catch (error) {
      await this.end(error);
      if (!this.canReport) throw error;
      return this.result(partialOf(error, this.options.signal));
    } finally {
      clearInterval(ticking);
      await this.end(new Error('The drill is over.'));
      await work.catch(() => undefined);
    }
    return this.result();
  }

  private async work(): Promise<void> {
    const trafficTo = await this.traffic();
    await this.target.start();
    await this.options.prepare?.(this.target.url);
    checkedRequests(this.options.requests, this.target.url);
    const clients = (this.clients = trafficTo(this.target.url));
    await this.checkRequests(clients);
    this.stalls.start();
    // It is awaited by its other name, `stop()`.
    clients.run().catch(() => undefined);
    this.tell({ kind: 'traffic-started' });
    await this.pause(this.options.warmUpMs ?? drillDefaults.warmUpMs);
    for (const plan of this.target.rolls) await this.roll(plan);
    await clients.stop();
    this.tell({ kind: 'traffic-stopped' });
    this.rolls.at(-1)!.endedAt = performance.now();
    this.ending.signal.throwIfAborted();
  }

  /** Every roll begins where the one before has ended: each request belongs to one. */
  private async roll(plan: PlannedRoll): Promise<void> {
    const lives = new Set<RecordedRoll['lives'] extends ReadonlySet<infer Life> ? Life : never>();
    const startedAt = this.rolls.at(-1)?.endedAt ?? this.origin;
    const roll: RecordedRoll = { ...plan, startedAt, rollingAt: performance.now(), lives };
    this.rolls.push(roll);
    this.tell({ kind: 'roll', ...plan });
    await this.target.roll(plan, lives);
    roll.rolledAt = performance.now();
    await this.pause(this.options.coolDownMs ?? drillDefaults.coolDownMs);
    roll.endedAt = performance.now();
  }

  /** Ends the traffic and the target. What comes back from then on was cut by the drill, and is not recorded. */
  private async end(reason: unknown): Promise<void> {
    if (this.ending.signal.aborted) return;
    this.ending.abort(reason);
    this.stalls.stop();
    await this.clients?.cancel().catch(() => undefined);
    await this.target.close();
    this.ledger?.remove();
  }

  private async traffic(): Promise<TrafficTo> {
    const { requests, connections, protocol, insecure, messages, cwd } = this.options;
    return trafficOf({
      requests,
      connections,
      protocol,
      insecure,
      messages,
      cwd,
      ledger: this.ledger,
      ratePerSecond: this.settings.ratePerSecond,
      timeoutMs: this.settings.timeoutMs,
      onOutcome: (outcome) => this.record(outcome),
      onLateFault: (number, { kind, detail }) => this.correct(number, { outcome: kind, detail }),
      onExecuted: (number, replica) =>
        this.correct(number, { life: this.target.lives.find(({ name }) => name === replica) }),
    });
  }

  /** A request that is not answered well before anything is stopped would only measure itself. */
  private async checkRequests(clients: Traffic): Promise<void> {
    for (const [index, { name }] of this.settings.requests.entries()) {
      if (!(await clients.try(index))) continue;
      const again = await clients.try(index);
      this.ending.signal.throwIfAborted();
      if (!again) continue;
      const what = again.kind.startsWith('status-') ? `is answered ${again.kind.slice(7)}` : `fails (${again.kind})`;
      const detail = again.detail ? `, ${again.detail}` : '';
      throw new BadInputError(`${name} ${what}${detail} before anything is stopped: nothing can be measured with it.`);
    }
  }

  private record({ number, fault, localPort, ...outcome }: RequestOutcome): void {
    if (this.ending.signal.aborted) return;
    // The balancer knows better than its client whether it was the backend that refused. Ports are used again: this
    // must be asked now.
    const refused = fault?.kind === 'reset' && localPort !== undefined && this.target.wasRefused?.(localPort) === true;
    this.requests.set(number, {
      ...outcome,
      outcome: refused ? 'refused' : (fault?.kind ?? 'ok'),
      detail: fault?.detail,
      life: localPort === undefined ? undefined : this.target.servedBy?.(localPort),
    });
  }

  /** What is found out about a request when it has had its outcome. */
  private correct(
    number: number,
    found: Pick<RecordedRequest, 'life'> | Pick<RecordedRequest, 'outcome' | 'detail'>,
  ): void {
    if (this.ending.signal.aborted) return;
    this.requests.set(number, { ...this.requests.get(number)!, ...found });
  }

  /** Reports whether there is anything to tell of. */
  private get canReport(): boolean {
    return this.rolls.length > 0 && this.requests.size > 0;
  }

  private result(partial?: Interruption): DrillResult {
    return resultOf({
      settings: this.settings,
      thresholds: { maxP99Ms: this.options.maxP99Ms, maxLoss: this.options.maxLoss },
      about: aboutOf(this.options),
      deregisters: this.options.platform.deregisters,
      knowsServers: this.target.servedBy !== undefined,
      startedAt: new Date(performance.timeOrigin + this.origin).toISOString(),
      origin: this.origin,
      endedAt: this.rolls.at(-1)?.endedAt ?? performance.now(),
      lives: this.target.lives,
      rolls: this.rolls,
      requests: [...this.requests.values()],
      clientStalls: this.stalls.stalls,
      partial,
    });
  }

  /** Rejects when the caller aborts. */
  private async aborted(): Promise<never> {
    const { signal } = this.options;
    signal?.throwIfAborted();
    return new Promise((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: this.ending.signal }),
    );
  }

  private get origin(): number {
    return this.clients?.begunAt ?? performance.now();
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, this.ending.signal);
    this.ending.signal.throwIfAborted();
  }

  private tick(): void {
    if (this.clients?.begunAt !== undefined)
      this.options.onTick?.(performance.now() - this.origin, this.clients.counts());
  }

  private tell(step: Happening): void {
    this.options.onStep?.({
      ...step,
      atMs: performance.now() - this.origin,
      counts: this.clients?.counts() ?? { requests: 0, failed: 0, underWay: 0 },
    });
  }
}

function partialOf(error: unknown, signal: AbortSignal | undefined): Interruption {
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: signal?.aborted ? 'interrupted' : 'failed', reason };
}
