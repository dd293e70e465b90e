import { randomBytes } from 'node:crypto';

/** What stands for the id of a message in its text. */
const placeholder = '{{id}}';

/** Gives each message of a run an id that no other run has. */
export class UniqueIds {
  private readonly run = randomBytes(4).toString('hex');

  of(number: number): string {
    return `${this.run}-${number}`;
  }

  /** The number of the message with this id; `undefined` for what is none of this run. */
  numberOf(id: string): number | undefined {
    const [, run, number] = /^(\w+)-(-?\d+)$/.exec(id) ?? [];
    return run === this.run ? Number(number) : undefined;
  }
}

/** The text with the id in place of each `{{id}}`. */
export function withId(text: string, id: string): string {
  return text.replaceAll(placeholder, id);
}

export function hasId(text: string): boolean {
  return text.includes(placeholder);
}
