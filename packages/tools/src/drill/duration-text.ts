import ms, { type StringValue } from 'ms';
import { BadInputError } from './errors.js';

/** Reads `500`, `500ms`, `1.5s` or `2m` as ms. Throws a `BadInputError` that names the option. */
export function durationOf(text: string, option: string): number {
  const given = text.trim();
  const found = given === '' ? undefined : ms(given as StringValue);
  if (found !== undefined && found >= 0 && found <= 2 ** 31 - 1) return found;
  throw new BadInputError(`${option} takes a duration as 500ms, 2s or 1m, got '${text}'.`);
}
