import { type Setting } from '../model.js';
import { type Field } from './field.js';

/** A number as a field says it; the platform's own, where it is not there. */
export function numberOf(field: Field, otherwise?: number): Setting<number> {
  if (!field.exists) return { value: otherwise, at: field.place };
  return { value: field.number, text: field.text ?? '', at: field.place };
}

/** Seconds as a field says them, in ms. */
export function secondsOf(field: Field, otherwise?: number): Setting<number> {
  const seconds = numberOf(field, otherwise);
  return { ...seconds, value: seconds.value === undefined ? undefined : seconds.value * 1_000 };
}

/** Reports whether a value stands there that something else is to put another in the place of. */
export function isUnknown({ value, text }: Setting<unknown>): boolean {
  return value === undefined && text !== undefined;
}

/** A count, or a percentage of so many; `undefined` where it cannot be known. */
export function countOf(text: string | undefined, whole: number, round: (count: number) => number): number | undefined {
  const [, digits, percent] = /^(\d+)(%?)$/.exec(text ?? '') ?? [];
  if (digits === undefined) return undefined;
  return percent ? round((Number(digits) * whole) / 100) : Number(digits);
}
