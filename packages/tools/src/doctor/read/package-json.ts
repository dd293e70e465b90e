import { BadInputError } from '../bad-input.js';
import { firstDocumentOf } from './documents.js';
import { type Field } from './field.js';
import { type Source } from './source.js';

/** The scripts of a `package.json`, by name. */
export type Scripts = ReadonlyMap<string, Field>;

/** @throws BadInputError when it is not a JSON object */
export function readScripts(source: Source): Scripts {
  checkJson(source);
  const root = firstDocumentOf(source);
  return new Map(root?.get('scripts').entries());
}

/** @throws BadInputError when it is not a JSON object */
export function checkJson({ name, text }: Source): void {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new BadInputError(
      name,
      `Expected JSON: ${error instanceof Error ? error.message : String(error)}. Correct it.`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadInputError(name, 'Expected a JSON object, got something else. Check which file it is.');
  }
}
