import * as words from '../words.js';

export { count } from '../words.js';

/** A number and its unit stay on one line. */
const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');

/** `1 request`, `4,000 requests` */
export function countOf(value: number, noun: string): string {
  return unbroken(words.plural(value, noun));
}

/** `38 ms`, `1.24 s`, `2 min 5 s`; a dash for what is not known. */
export function duration(ms: number | undefined): string {
  return unbroken(words.duration(ms));
}

/** 0 to 1 as `0.075 %`, two significant digits. */
export function percent(share: number): string {
  return unbroken(words.percent(share));
}

/** An instant on the clock of a roll: `3.214 s`. */
export function instant(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '–' : unbroken(`${(ms / 1_000).toFixed(3)} s`);
}

/** `2026-11-21T17:54:34.000Z` as `21 Nov 2026, 17:54 UTC`; what is not a time, as it is. */
export function calendarTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][at.getUTCMonth()];
  return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}, ${at.toISOString().slice(11, 16)} UTC`;
}
