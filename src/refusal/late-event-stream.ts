import { type WholeAnswer } from './whole-answer.js';
import { jittered, retryField } from './retry-field.js';

/**
 * The answer to an `EventSource` that comes too late: an empty stream that ends, and tells it when to come back.
 * Anything but 200 would make it give up for good.
 *
 * @param origin the request's `Origin`
 * @param retryMs is jittered: between half and one and a half of it
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model
 */
export function lateEventStream(origin: string | undefined, retryMs: number, random?: () => number): WholeAnswer {
  const body = retryField(jittered(retryMs, random));
  return {
    statusCode: 200,
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'Content-Length': body.length,
      // The application's CORS middleware is not asked, and without its headers an EventSource of another origin would
      // give up for good too. Any origin may read this: it is the same for everyone, and says no more than that the
      // replica is leaving. https://fetch.spec.whatwg.org/#http-cors-protocol
      ...(origin !== undefined && {
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
      }),
    },
    body,
  };
}
