import { type StrictClientsOptions } from '../drill/strict-client.js';
import { DrainError } from '../sequence/errors.js';

/**
 * One kind of request of a drill, and the answer that is right for it.
 *
 * @publicApi
 */
export interface DrillRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Its share of the traffic, a positive whole number. @default 1 */
  readonly weight?: number;
  readonly expect?: {
    /** @default any of 200 to 299 */
    readonly status?: number;
    /** The exact text, the exact length in bytes, or a test of the bytes. @default any body, as long as it is whole */
    readonly body?: string | number | ((body: Buffer) => boolean);
  };
}

/** A request as the clients take it. */
export type RequestSpec = StrictClientsOptions['mix'][number];

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

type ExpectedBody = NonNullable<DrillRequest['expect']>['body'];

function bodyTest(expected: ExpectedBody): ((body: Buffer) => boolean) | undefined {
  if (expected === undefined) return undefined;
  return (body) => body.equals(Buffer.from(successorBody)) || matches(body, expected);
}

function matches(body: Buffer, expected: NonNullable<ExpectedBody>): boolean {
  if (typeof expected === 'number') return body.length === expected;
  if (typeof expected === 'string') return body.equals(Buffer.from(expected));
  return expected(body);
}
