import { type KindReport, type Tally } from './tally.js';

/** Clients of one kind. */
export interface KindOfClients {
  /** Begins. */
  start(): void;
  /** Begins nothing more, lets what is under way have its outcome, and closes the connections. Never rejects. */
  stop(): Promise<void>;
  /** What they count into. */
  readonly tallies: readonly Tally[];
}

export function reportsOf(kinds: readonly KindOfClients[]): KindReport[] {
  return kinds.flatMap(({ tallies }) => tallies.map((tally) => tally.report()));
}
