import { type Place } from './finding.js';

/** What was given cannot be read. Its message is one line: where, what was expected, what came, what to do. */
export class BadInputError extends Error {
  override readonly name = 'BadInputError';
  readonly code = 'DOCTOR_BAD_INPUT';

  constructor(where: string | Place, message: string) {
    const place = typeof where === 'string' ? where : `${where.file}:${where.line}`;
    super(`${place}: ${oneLine(message)}`);
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
