import { BadInputError } from './errors.js';

const units: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, m: 60_000 };

/** Reads `500`, `500ms`, `1.5s` or `2m` as ms. Throws a `BadInputError` that names the option. */
export function durationOf(text: string, option: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text.trim()) ?? [];
  const ms = Number(number) * units[unit]!;
  if (number !== undefined && ms <= 2 ** 31 - 1) return ms;
  throw new BadInputError(`${option} takes a duration as 500ms, 2s or 1m, got '${text}'.`);
}
