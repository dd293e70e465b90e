import { readFileSync } from 'node:fs';
import { BadInputError } from '../errors.js';
import { type DrillResult } from '../result.js';

/** The result as it is, a line for each of its parts: thousands of samples would take a line each otherwise. */
export function jsonOf(result: DrillResult): string {
  const parts = Object.entries(result)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${parts.join(',\n')}\n}\n`;
}

/** The result in a file that `--json` has made. Throws a `BadInputError` for any other. */
export function resultIn(file: string): DrillResult {
  let result: Partial<DrillResult>;
  try {
    result = JSON.parse(readFileSync(file, 'utf8')) as Partial<DrillResult>;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'it is no JSON';
    throw new BadInputError(`${file} cannot be read (${why}): give a file that --json has written.`, { cause: error });
  }
  if (result?.version === 1 && result.about && result.totals && Array.isArray(result.rolls))
    return result as DrillResult;
  throw new BadInputError(`${file} holds no result of this version of the drill: drill again with --json > ${file}.`);
}
