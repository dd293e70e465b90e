import { phraseOf } from './outcomes.js';

/** How figures are said, in the terminal, in findings and in reports. What is not known is a dash. */

/** `4,000` */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** `1 request`, `4,000 requests`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** `0.4 ms`, `38 ms`, `1.24 s`, `12.4 s`, `2 min 5 s`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–';
  const size = Math.abs(ms);
  if (size < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 9_995) return `${Number((ms / 1_000).toFixed(2))} s`;
  if (size < 59_950) return `${Number((ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.trunc(seconds / 60)} min${seconds % 60 === 0 ? '' : ` ${Math.abs(seconds % 60)} s`}`;
}

/** `12 to 340 ms`, `0.9 to 3.4 s`, or one figure when all are alike. */
export function span(durationsMs: readonly number[]): string {
  const [least, most] = [Math.min(...durationsMs), Math.max(...durationsMs)].map(duration);
  return least === most ? least! : `${least} to ${most}`;
}

/** Two significant digits: `0.033 %`. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  return `${Number((share * 100).toPrecision(2))} %`;
}

/** `12 refused, 3 answered 503`, the most frequent first. */
export function listOfKinds(failuresByKind: Readonly<Record<string, number>>): string {
  return Object.entries(failuresByKind)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, number]) => `${count(number)} ${phraseOf(kind)}`)
    .join(', ');
}

/** The same for requests. */
export function listOfFailures(failures: readonly { readonly kind: string }[]): string {
  const byKind: Record<string, number> = {};
  for (const { kind } of failures) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return listOfKinds(byKind);
}
