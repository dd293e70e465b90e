import { runCommand } from '../command-run.js';
import { type AttachOptions } from '../drill-options.js';
import { type PlannedRoll, type Target, type TargetContext } from '../target.js';

/** What others operate, and roll: only their answers are known, and not whose they are. */
export class AttachedTarget implements Target {
  readonly lives = [];

  constructor(
    private readonly context: TargetContext,
    private readonly attach: AttachOptions,
  ) {}

  get url(): string {
    return this.attach.url;
  }

  get rolls(): readonly PlannedRoll[] {
    return Array.from({ length: this.context.settings.rounds }, (_, index) => ({ round: index + 1 }));
  }

  async start(): Promise<void> {
    // Its first answers tell whether it is there.
  }

  async roll(): Promise<void> {
    const { options, signal, tell } = this.context;
    const { during } = this.attach;
    tell({ kind: 'command-started', command: during });
    await runCommand(during, { cwd: options.cwd, env: options.env, signal });
    tell({ kind: 'command-ended', command: during });
  }

  async close(): Promise<void> {
    // There is nothing of its own.
  }
}
