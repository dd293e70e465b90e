/** What an outcome is called, wherever it is told. */
export interface OutcomeWords {
  /** After a number of requests: `12 cut short`. */
  readonly phrase: string;
  /** On its own, to a reader who does not know the drill. */
  readonly name: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
}

/** Everything that can become of a request. `status` stands for `status-503` and its like. */
export const outcomes = {
  ok: { phrase: 'answered', name: 'answered', meaning: 'The answer was whole and right.' },
  refused: {
    phrase: 'refused',
    name: 'connection refused',
    meaning: 'No connection could be made: nobody listened any more.',
  },
  reset: {
    phrase: 'reset',
    name: 'connection reset',
    meaning: 'The connection was closed or reset before the head of an answer was complete.',
  },
  /** An answer whose end cannot be told from a cut, having neither a length nor chunks, counts too. */
  'cut-short': {
    phrase: 'cut short',
    name: 'answer cut short',
    meaning: 'An answer began and did not end.',
  },
  'timed-out': { phrase: 'timed out', name: 'timed out', meaning: 'No whole answer came in time.' },
  'wrong-length': {
    phrase: 'of the wrong length',
    name: 'wrong length',
    meaning: 'The answer had more bytes than it had said, or another number of them than was expected.',
  },
  'wrong-body': {
    phrase: 'with the wrong body',
    name: 'wrong body',
    meaning: 'The answer was whole and had the right status, and its body was not the expected one.',
  },
  malformed: {
    phrase: 'malformed',
    name: 'malformed answer',
    meaning: 'What came was no answer of the protocol that was asked in.',
  },
  twice: {
    phrase: 'twice',
    name: 'twice',
    meaning: 'One request was answered or executed more than once, or an event came again.',
  },
  lost: {
    phrase: 'lost',
    name: 'lost',
    meaning: 'A message, a job or an event was accepted, and nobody has executed or received it.',
  },
  error: {
    phrase: 'answered with an error',
    name: 'error',
    meaning: 'A call was answered with an error, or a job failed.',
  },
  'bad-close': {
    phrase: 'closed badly',
    name: 'bad close',
    meaning: 'A WebSocket was ended with neither 1001 (going away) nor 1012 (service restart).',
  },
  status: {
    phrase: 'answered otherwise',
    name: 'status',
    meaning: 'An answer came, with a status that was not expected.',
  },
  other: {
    phrase: 'failed otherwise',
    name: 'other failure',
    meaning: 'The client itself failed; the details have its error.',
  },
} as const satisfies Readonly<Record<string, OutcomeWords>>;

/** One entry of the record. */
export type OutcomeKind = keyof typeof outcomes;

/** How a request failed: one of `outcomes`, with the status where that was wrong. */
export type FailureKind = Exclude<OutcomeKind, 'ok' | 'status'> | `status-${number}`;

/** The entry that an outcome belongs to; `undefined` for one that is not known, as from a result of another version. */
export function kindOf(outcome: string): OutcomeKind | undefined {
  if (outcome.startsWith('status-')) return 'status';
  return Object.hasOwn(outcomes, outcome) ? (outcome as OutcomeKind) : undefined;
}

/** In a sentence: `reset`, `answered 503`. What is not known is said as it is. */
export function phraseOf(outcome: string): string {
  const kind = kindOf(outcome);
  if (kind === 'status') return `answered ${outcome.slice('status-'.length)}`;
  return kind ? outcomes[kind].phrase : outcome;
}

/** On its own: `connection reset`, `status 503`. What is not known is said as it is. */
export function nameOf(outcome: string): string {
  const kind = kindOf(outcome);
  if (kind === 'status') return outcome.replace('-', ' ');
  return kind ? outcomes[kind].name : outcome;
}

/** What it means, in a sentence; nothing for what is not known. */
export function meaningOf(outcome: string): string {
  const kind = kindOf(outcome);
  return kind ? outcomes[kind].meaning : '';
}
