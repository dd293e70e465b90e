/**
 * How much of a long drill a report shows, so that it stays a page: below 300 kB, whatever was drilled. What is left
 * out is said where it is missing; failures are marked in the charts, all of them.
 */
export interface Budget {
  /** Dots of answered requests, of all rolls together. */
  readonly okDots: number;
  /** Failures that are listed one by one, in each roll. */
  readonly listedFailures: number;
  /** Rows of the table that says what the chart of a roll shows. */
  readonly slices: number;
  /** Characters of what a replica printed, its end. */
  readonly output: number;
}

export function budgetOf(rolls: number, failed: number, outputs: number): Budget {
  const share = (total: number, parts: number, least: number, most: number): number =>
    Math.min(most, Math.max(least, Math.floor(total / Math.max(1, parts))));
  return {
    okDots: Math.max(1_000, Math.min(5_500, 6_000 - failed) - 400 * Math.max(0, rolls - 2)),
    listedFailures: share(72, rolls, 5, 60),
    slices: share(48, rolls, 4, 24),
    output: share(30_000, outputs, 300, 4_000),
  };
}
