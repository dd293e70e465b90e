import { BadInputError } from './errors.js';
import { type RequestSpec } from './exchange.js';

/**
 * The requests, when all of them go to the target: an answer of somebody else says nothing about what is rolled. Throws
 * a `BadInputError` for a whole URL that leads elsewhere.
 */
export function checkedRequests(requests: readonly RequestSpec[], url: string): readonly RequestSpec[] {
  for (const { path } of requests) {
    if (path.startsWith('/') || new URL(path).origin === new URL(url).origin) continue;
    throw new BadInputError(
      `${path} is not what is rolled: its answers would come from somebody else. Give the path alone, as '${new URL(path).pathname}'.`,
    );
  }
  return requests;
}
