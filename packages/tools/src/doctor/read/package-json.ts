import { BadInputError } from '../bad-input.js';
import { firstDocumentOf } from './documents.js';
import { type Field } from './field.js';
import { type Source } from './source.js';

/** What of a `package.json` tells how an application is started. */
export interface PackageJson {
  readonly file: string;
  readonly scripts: ReadonlyMap<string, Field>;
  /** Such as `yarn@4.5.0`: what Corepack starts. */
  readonly packageManager?: string;
}

/** @throws BadInputError when it is not a JSON object */
export function readPackageJson(source: Source): PackageJson {
  checkJson(source);
  const root = firstDocumentOf(source);
  const yarn = root?.get('volta', 'yarn').text;
  return {
    file: source.name,
    scripts: new Map(root?.get('scripts').entries()),
    packageManager: root?.get('packageManager').text ?? (yarn && `yarn@${yarn}`),
  };
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
