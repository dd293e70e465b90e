import { type Place } from './finding.js';

/** What was given cannot be read. Its message is one line: where, what was expected, what came, what to do. */
export class BadInputError extends Error {
  override readonly name = 'BadInputError';
  readonly code = 'DOCTOR_BAD_INPUT';
  readonly place: Place;
  /** The message without the place. */
  readonly reason: string;

  constructor(where: string | Place, message: string) {
    const place = typeof where === 'string' ? where : `${where.file}:${where.line}`;
    super(`${place}: ${oneLine(message)}`);
    this.place = typeof where === 'string' ? { file: where, line: 1 } : where;
    this.reason = oneLine(message);
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
