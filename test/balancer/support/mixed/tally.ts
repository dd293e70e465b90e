/** What went wrong, once. */
export interface Mishap {
  /** For instance `reset`, `cut-short`, `status-503`. */
  readonly how: string;
  readonly detail: string;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

/** What became of everything of one kind. */
export interface KindReport {
  readonly kind: string;
  /** What came out right: requests, streams, messages or events. */
  readonly right: number;
  readonly failed: number;
  readonly mishaps: readonly Mishap[];
  /** What happened besides and is no failure, for instance how many sessions were told to leave. */
  readonly noted: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

/** Counts what becomes of one kind of work. */
export class Tally {
  private readonly tookMs: number[] = [];
  private readonly mishaps: Mishap[] = [];
  private readonly noted: Record<string, number> = {};

  constructor(readonly kind: string) {}

  right(ms: number): void {
    this.tookMs.push(ms);
  }

  failed(how: string, detail = ''): void {
    this.mishaps.push({ how, detail, at: performance.now() });
  }

  /** Counts something that is no failure. */
  note(what: string): void {
    this.noted[what] = (this.noted[what] ?? 0) + 1;
  }

  report(): KindReport {
    const sorted = Float64Array.from(this.tookMs).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    return {
      kind: this.kind,
      right: this.tookMs.length,
      failed: this.mishaps.length,
      mishaps: this.mishaps,
      noted: this.noted,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      slowestMs: at(1),
    };
  }
}
