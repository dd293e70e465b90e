/** `fault`: requests are lost, or the process is killed. `doubt`: they may be; the files alone cannot tell. */
export type Severity = 'fault' | 'doubt';

/** Where something is said. Lines and columns begin at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** One piece of advice. */
export interface Finding extends Place {
  /** The id of the rule, which stays when messages are reworded. */
  readonly rule: string;
  readonly severity: Severity;
  /** What is, and what comes of it. */
  readonly what: string;
  /** What to write instead. */
  readonly fix: string;
}
