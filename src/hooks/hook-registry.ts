import { type Clock } from '../sequence/clock.js';
import { messageOf } from '../sequence/errors.js';
import { type HookOccasion, type HookPhase, type PhaseHooks, type ShutdownContext } from '../sequence/hooks.js';
import { type HookReport } from '../sequence/report.js';

/**
 * How a hook is run, and how it is called.
 *
 * @publicApi
 */
export interface HookOptions {
  /**
   * Hooks of lower order run first, one order after the other, across all modules of the application; hooks of equal
   * order run side by side. A hook's module plays no part, unlike in Nest's own hooks: give orders to hooks that depend
   * on one another. Any finite number. @default 0
   */
  readonly order?: number;
  /**
   * How long it is waited for, ms, at least 1; less where the grace period is too short for all. @default the module's
   * `hookTimeoutMs`, 5000
   */
  readonly timeoutMs?: number;
  /** The name of the hook in the report. @default `Class.method`, or the function's name */
  readonly name?: string;
}

/**
 * A hook. It is waited for when it returns a promise; one that throws or rejects is named in the report, and stops no
 * other.
 *
 * @publicApi
 */
export type ShutdownHook = (context: ShutdownContext) => unknown;

interface RegisteredHook {
  readonly phase: HookPhase;
  readonly order: number;
  readonly timeoutMs: number;
  readonly name: string;
  readonly run: ShutdownHook;
}

const notBegun = 'was not begun: nobody waited any longer';

/**
 * Keeps the hooks and runs them: those of equal order side by side, one order after the other.
 *
 * Module distance is not used. It would put hooks one after the other that nobody has asked to be, and each of those
 * adds its timeout to what `longestMs` takes away from the drain.
 */
export class HookRegistry implements PhaseHooks {
  private running = 0;
  private readonly hooks = new Set<RegisteredHook>();

  constructor(
    private readonly clock: Clock,
    private readonly defaultTimeoutMs: number,
  ) {}

  /** @returns a function that takes the hook out again */
  add(phase: HookPhase, run: ShutdownHook, options: HookOptions = {}): () => void {
    const hook: RegisteredHook = {
      phase,
      run,
      order: options.order ?? 0,
      timeoutMs: options.timeoutMs ?? this.defaultTimeoutMs,
      name: options.name ?? (run.name || `${phase} hook`),
    };
    this.hooks.add(hook);
    return () => this.hooks.delete(hook);
  }

  longestMs(phase: HookPhase): number {
    return sumOf(this.groups(phase));
  }

  /** Reports whether a hook is being waited for. */
  get areRunning(): boolean {
    return this.running > 0;
  }

  async run(phase: HookPhase, occasion: HookOccasion): Promise<void> {
    const groups = this.groups(phase);
    let neededMs = sumOf(groups);
    for (const group of groups) {
      if (occasion.interrupted.aborted) {
        for (const { name } of group) occasion.settled({ name, phase, ms: 0, outcome: 'timed-out', error: notBegun });
        continue;
      }
      const groupMs = longestOf(group);
      // Where the time is too short for all of them, one that hangs leaves those after it their part.
      const leftMs = occasion.latestEndAt - this.clock.now();
      const groupEndsAt = this.clock.now() + groupMs * Math.min(1, leftMs / neededMs);
      neededMs -= groupMs;
      this.running += group.length;
      await Promise.all(
        group.map(async (hook) => {
          const report = await this.runOne(hook, occasion, groupEndsAt);
          this.running--;
          occasion.settled(report);
        }),
      );
    }
  }

  /** The hooks of `phase`, grouped by order. */
  private groups(phase: HookPhase): RegisteredHook[][] {
    const byOrder = new Map<number, RegisteredHook[]>();
    for (const hook of this.hooks) {
      if (hook.phase !== phase) continue;
      const group = byOrder.get(hook.order);
      if (group) group.push(hook);
      else byOrder.set(hook.order, [hook]);
    }
    return [...byOrder].sort(([a], [b]) => a - b).map(([, group]) => group);
  }

  private runOne(hook: RegisteredHook, occasion: HookOccasion, groupEndsAt: number): Promise<HookReport> {
    const { clock } = this;
    const startedAt = clock.now();
    const endsAt = Math.min(startedAt + hook.timeoutMs, groupEndsAt);
    const deadline = new AbortController();
    const context: ShutdownContext = {
      phase: hook.phase,
      reason: occasion.reason,
      signal: occasion.signal,
      deadline: deadline.signal,
      remainingMs: () => Math.max(0, endsAt - clock.now()),
    };

    return new Promise((resolve) => {
      const settle = (outcome: HookReport['outcome'], error?: string) => {
        timer.cancel();
        occasion.interrupted.removeEventListener('abort', giveUp);
        deadline.abort();
        resolve({ name: hook.name, phase: hook.phase, ms: Math.round(clock.now() - startedAt), outcome, error });
      };
      const giveUp = () => settle('timed-out', `did not settle within ${Math.round(clock.now() - startedAt)} ms`);
      const timer = clock.after(endsAt - startedAt, giveUp);
      occasion.interrupted.addEventListener('abort', giveUp, { once: true });
      // The hook is called within a promise, so that throwing at once is the same as rejecting.
      new Promise((run) => run(hook.run(context))).then(
        () => settle('fulfilled'),
        (error: unknown) => settle('rejected', messageOf(error)),
      );
    });
  }
}

function longestOf(group: readonly RegisteredHook[]): number {
  return Math.max(...group.map(({ timeoutMs }) => timeoutMs));
}

function sumOf(groups: readonly (readonly RegisteredHook[])[]): number {
  return groups.reduce((sum, group) => sum + longestOf(group), 0);
}
