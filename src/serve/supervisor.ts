import { type Clock } from '../sequence/clock.js';
import { Deferred } from '../sequence/deferred.js';
import { type Manner } from './protocol.js';
import { type Release } from './release.js';
import { groupIsStopping, Roll, type RollSettings } from './roll.js';
import { Slot } from './slot.js';
import { unlessAborted } from './trial.js';
import { type Worker } from './worker.js';

/** So many workers in a row that end early, in every place, end the group. */
const crashLoopDeaths = 5;

/** What came of a reload. */
export interface ReloadOutcome {
  readonly isDone: boolean;
  /** One line: what serves now, or why the new version does not. */
  readonly summary: string;
}

/** Where the group stands. */
export type GroupPhase = 'starting' | 'serving' | 'reloading' | 'stopping';

/** What the sequence is made of; a test has others. */
export interface SupervisorParts<W extends Worker> {
  readonly clock: Clock;
  readonly start: (release: Release, place: number) => W;
  /** Follows the links of today. */
  readonly nextRelease: (version: number) => Release;
  readonly say: (line: string) => void;
  readonly changed: (phase: GroupPhase) => void;
  /** All workers stop: no more is accepted for them. Returns how they take leave of their clients. */
  readonly stopAccepting: () => Manner;
  /** The group runs this release, and no other. */
  readonly settled: () => void;
}

export interface SupervisorSettings extends RollSettings {
  readonly workers: number;
}

/**
 * The workers of one machine: how they start, are replaced, and stop.
 *
 * - A reload tries the new version in one worker first, which clients do not reach: it has to become ready, and to
 *   outlive its probation. Only then is one place after the other filled with it. Whenever a new worker fails, the
 *   places that have been filled get the old version back, and the reload has failed.
 * - One reload at a time. All requests that come during one are met by one more.
 * - A worker that ends by itself is started again, of the version it ran.
 */
export class Supervisor<W extends Worker = Worker> {
  private readonly slots: Slot[] = [];
  private readonly all = new Set<W>();
  private readonly stopping = new AbortController();
  private present?: Release;
  private versions = 0;
  private rolling?: Promise<ReloadOutcome>;
  private next?: Promise<ReloadOutcome>;
  private ending?: Promise<void>;
  private current: GroupPhase = 'starting';
  private readonly started = new Deferred<string | undefined>();
  private readonly over = new Deferred<string | undefined>();
  /** What has happened since the start. */
  readonly counts = { reloads: 0, rolledBack: 0, restarts: 0, hangs: 0 };

  constructor(
    private readonly settings: SupervisorSettings,
    private readonly parts: SupervisorParts<W>,
  ) {}

  /** Resolves when every worker serves, or with why none does. */
  start(): Promise<string | undefined> {
    this.present = this.newRelease();
    for (let place = 1; place <= this.settings.workers; place++) this.addSlot();
    return this.started.promise;
  }

  get phase(): GroupPhase {
    return this.current;
  }

  get workers(): readonly W[] {
    return [...this.all];
  }

  get places(): readonly Slot[] {
    return this.slots;
  }

  /** What every worker runs when no reload does. */
  get release(): Release | undefined {
    return this.present;
  }

  /** Resolves when the group has ended by itself, with why. Stays pending when it is stopped. */
  get failed(): Promise<string | undefined> {
    return this.over.promise;
  }

  /** Replaces every worker. Never rejects. */
  reload(): Promise<ReloadOutcome> {
    if (this.stopping.signal.aborted) return Promise.resolve(refused(groupIsStopping));
    if (this.current === 'starting') {
      return this.started.promise.then((why) => (why === undefined ? this.reload() : refused(why)));
    }
    if (this.rolling) {
      this.parts.say('reload: asked for while one runs, and one more follows');
      return (this.next ??= this.rolling.then(() => this.reloadNext()));
    }
    this.rolling = this.roll().finally(() => (this.rolling = undefined));
    return this.rolling;
  }

  /** Adds places, or closes the last ones. */
  scale(count: number): void {
    if (this.stopping.signal.aborted) return;
    while (this.slots.length < count) this.addSlot();
    while (this.slots.length > count) this.slots.pop()!.close('rolled');
    this.parts.say(`${count} workers`);
    // Those that were waited for at the start may be among the places that are closed.
    this.oneServes();
  }

  /** Resolves when all workers have ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    return (this.ending ??= this.end(signal));
  }

  /** Ends all workers at once, with what they have in hand. */
  force(why: string): void {
    for (const worker of this.all) worker.kill(why);
  }

  private async rollTo(): Promise<ReloadOutcome> {
    const { signal } = this.stopping;
    // No more than two versions are there at a time, whatever they hold in memory.
    const retiring = [...this.all].filter(({ phase }) => phase === 'retiring');
    await unlessAborted(signal, Promise.all(retiring.map(({ gone }) => gone)));
    const startedAt = this.parts.clock.now();
    let release: Release;
    try {
      release = this.newRelease();
    } catch (error) {
      return refused((error as Error).message);
    }
    this.parts.say(`reload: version ${release.version} in ${release.folder}`);
    const roll = new Roll(this.settings, {
      clock: this.parts.clock,
      slots: this.slots,
      stopping: signal,
      start: this.startWorker,
    });
    const failure = await roll.run(release, this.present!);
    if (signal.aborted) return refused(groupIsStopping);
    if (failure !== undefined) return refused(`version ${release.version} was rolled back: ${failure}`);
    this.present = release;
    this.parts.settled();
    const ms = Math.round(this.parts.clock.now() - startedAt);
    return {
      isDone: true,
      summary: `version ${release.version} serves in ${this.slots.length} workers, after ${ms} ms`,
    };
  }

  private reloadNext(): Promise<ReloadOutcome> {
    this.next = undefined;
    return this.reload();
  }

  private async roll(): Promise<ReloadOutcome> {
    this.enter('reloading');
    this.counts.reloads++;
    const outcome = await this.rollTo();
    if (!outcome.isDone) this.counts.rolledBack++;
    this.parts.say(outcome.summary);
    if (!this.stopping.signal.aborted) this.enter('serving');
    return outcome;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    this.stopping.abort();
    this.enter('stopping');
    this.parts.say(`${signal}: ${this.all.size} workers stop`);
    const manner = this.parts.stopAccepting();
    for (const slot of this.slots) slot.close(manner, signal);
    await this.rolling;
    await Promise.all([...this.all].map(({ gone }) => gone));
  }

  private addSlot(): void {
    const slot = new Slot(this.slots.length + 1, {
      clock: this.parts.clock,
      readyWithinMs: this.settings.readyWithinMs,
      start: this.startWorker,
      serves: () => this.oneServes(),
      failed: (each, worker, why) => this.oneFailed(each, worker, why),
    });
    this.slots.push(slot);
    slot.run(this.present!);
  }

  private readonly startWorker = (release: Release, place: number): W => {
    const worker = this.parts.start(release, place);
    this.all.add(worker);
    void worker.gone.then(() => this.all.delete(worker));
    return worker;
  };

  private oneServes(): void {
    if (this.current !== 'starting' || !this.slots.every(({ isServing }) => isServing)) return;
    this.enter('serving');
    this.parts.settled();
    this.started.resolve(undefined);
  }

  private oneFailed(slot: Slot, worker: Worker, why: string): void {
    this.parts.say(`worker ${slot.place} (pid ${worker.pid}): ${why}`);
    this.counts.restarts++;
    const isFirstTry = this.current === 'starting' && !this.slots.some(({ isServing }) => isServing);
    const isLooping = this.slots.every(({ isServing, earlyDeaths }) => !isServing && earlyDeaths >= crashLoopDeaths);
    if (!isFirstTry && !isLooping) return;
    const summary = isLooping
      ? `every worker ended ${crashLoopDeaths} times soon after its start; the last: ${why}`
      : why;
    this.started.resolve(summary);
    this.over.resolve(summary);
  }

  private newRelease(): Release {
    return this.parts.nextRelease(++this.versions);
  }

  private enter(phase: GroupPhase): void {
    this.current = phase;
    this.parts.changed(phase);
  }
}

function refused(summary: string): ReloadOutcome {
  return { isDone: false, summary };
}
