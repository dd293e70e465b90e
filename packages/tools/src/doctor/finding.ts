/**
 * `fault`: requests are lost, or the process is killed. `doubt`: they may be; the files alone cannot tell.
 *
 * @publicApi
 */
export type Severity = 'fault' | 'doubt';

/**
 * Where something is said. Lines and columns begin at 1.
 *
 * @publicApi
 */
export interface Place {
  /** The name of the source. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, where it is known. */
  readonly column?: number;
}

/**
 * What a finding is about, as its file names it.
 *
 * @publicApi
 */
export interface ObjectName {
  /** Such as `Deployment`, `Dockerfile` or `PM2 application`. */
  readonly kind: string;
  /** The name that the file gives it; the file's own, where it gives none. */
  readonly name: string;
  /** The container, where it is about one of several things that run there. */
  readonly container?: string;
}

/**
 * One piece of advice.
 *
 * @publicApi
 */
export interface Finding extends Place {
  /** The id of the rule, which stays when messages are reworded. */
  readonly rule: string;
  /** How grave it is. */
  readonly severity: Severity;
  /** What it is about. */
  readonly object: ObjectName;
  /** What is, and what comes of it. */
  readonly what: string;
  /** What to write instead. */
  readonly fix: string;
}
