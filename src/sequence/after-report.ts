import { type Clock, settledWithin } from './clock.js';
import { messageOf } from './errors.js';
import { type ShutdownReport } from './report.js';

/**
 * What is done when the report is there, such as the last export of metrics and spans.
 *
 * @publicApi
 */
export type AfterReportWork = (report: ShutdownReport) => unknown;

interface NamedWork {
  readonly work: AfterReportWork;
  readonly name: string;
}

/**
 * Work that begins when the report is there, and that the process ends after.
 *
 * @internal
 */
export class AfterReport {
  private readonly works = new Set<NamedWork>();

  constructor(private readonly clock: Clock) {}

  /** Adds work. @returns what takes it out again */
  add(work: AfterReportWork, name: string): () => void {
    const added = { work, name };
    this.works.add(added);
    return () => void this.works.delete(added);
  }

  /**
   * Runs all of it side by side. Resolves when it has settled, or after `ms`, or when `hurry` aborts, with what went
   * wrong, in words. Never rejects.
   */
  async run(report: ShutdownReport, ms: number, hurry?: AbortSignal): Promise<readonly string[]> {
    const problems: string[] = [];
    const startedAt = this.clock.now();
    if (this.works.size === 0) return problems;
    const unsettled = new Set(this.works);
    const run = async (each: NamedWork) => {
      try {
        await each.work(report);
      } catch (error) {
        problems.push(`${each.name} failed: ${messageOf(error)}`);
      }
      unsettled.delete(each);
    };
    await settledWithin(this.clock, Promise.all(Array.from(unsettled, run)), ms, hurry);
    const waitedMs = Math.round(Math.min(ms, this.clock.now() - startedAt));
    for (const { name } of unsettled) problems.push(`${name} had not ended after ${waitedMs} ms`);
    return problems;
  }
}
