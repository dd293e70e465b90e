import { DrainError } from 'nestjs-drain';
import { type DrillRequest, matches, type RequestSpec } from '../drill/exchange.js';

/** What the successor answers, where an answer has a body. */
export const successorBody = 'from the successor';
/** Tells the successor which request this is, by its place in the list. */
export const requestHeader = 'x-drill-request';

/** @throws DrainError `DRAIN_INVALID_ARGUMENT` for a text that is no request */
export function parseRequest(given: string): { method: string; path: string } {
  const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(given) ?? [];
  if (method && path) return { method, path };
  throw new DrainError(
    'DRAIN_INVALID_ARGUMENT',
    `Expected a request such as 'GET /orders', got '${given}'. Write the method, a space and the path.`,
  );
}

/** The mix of the clients. The right answer to each is the application's, or the successor's. */
export function mixOf(requests: readonly (string | DrillRequest)[]): RequestSpec[] {
  if (!Array.isArray(requests) || requests.length === 0) {
    throw new DrainError(
      'DRAIN_INVALID_ARGUMENT',
      "Expected drill() to be given requests, got none. Name at least one, such as 'GET /orders'.",
    );
  }
  return (requests as readonly (string | DrillRequest)[]).map((given, place) => {
    const spec: DrillRequest = typeof given === 'string' ? parseRequest(given) : given;
    return {
      ...spec,
      name: `${spec.method} ${spec.path}`,
      headers: { ...spec.headers, [requestHeader]: String(place) },
      expect: { status: spec.expect?.status, body: bodyTest(spec.expect?.body) },
    };
  });
}

function bodyTest(expected: NonNullable<RequestSpec['expect']>['body']): ((body: Buffer) => boolean) | undefined {
  if (expected === undefined) return undefined;
  return (body) => body.equals(Buffer.from(successorBody)) || matches(body, expected);
}
