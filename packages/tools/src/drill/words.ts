/** How figures are said, in the terminal and in findings. */

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `1 request`, `2 requests`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** `12 ms`, `3.4 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 10) / 100;
  return `${seconds >= 10 ? Math.round(seconds * 10) / 10 : seconds} s`;
}

/** `12 to 340 ms`, `0.9 to 3.4 s`, or one figure when all are alike. */
export function span(durationsMs: readonly number[]): string {
  const [least, most] = [Math.min(...durationsMs), Math.max(...durationsMs)].map(duration);
  return least === most ? least! : `${least} to ${most}`;
}

/** Two significant digits: `0.033 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

const phrases: Readonly<Record<string, string>> = {
  reset: 'reset',
  refused: 'refused',
  'cut-short': 'cut short',
  'timed-out': 'timed out',
  'wrong-length': 'of the wrong length',
  'wrong-body': 'with the wrong body',
  malformed: 'malformed',
  other: 'failed otherwise',
};

/** A kind of failure in plain words: `reset`, `answered 503`. */
export function phraseOf(kind: string): string {
  return kind.startsWith('status-') ? `answered ${kind.slice('status-'.length)}` : (phrases[kind] ?? kind);
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
