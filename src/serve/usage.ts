/** Something that was given is not as it should be. Its message is all there is to say. */
export class UsageError extends Error {}

const unitsMs = { ms: 1, s: 1_000, m: 60_000 } as const;
const longestMs = 86_400_000;

/** Reads `500ms`, `30s` or `2m`. @throws UsageError */
export function durationMs(option: string, value: string, leastMs = 0): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value) ?? [];
  const ms = count === undefined ? NaN : Math.round(Number(count) * unitsMs[unit as keyof typeof unitsMs]);
  if (ms >= leastMs && ms <= longestMs) return ms;
  throw new UsageError(`Expected ${option} to be a time, got ${value}. Give it as 500ms, 30s or 2m.`);
}

/** @throws UsageError */
export function wholeNumber(option: string, value: string, least: number, most: number): number {
  const number = value.trim() === '' ? NaN : Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(`Expected ${option} to be a whole number from ${least} to ${most}, got ${value}.`);
}
