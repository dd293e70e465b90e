import { type Http2ServerResponse } from 'node:http2';

/**
 * Has a response say that it has closed, as those of HTTP/1.1 do. Node's `finished()` would wait for ever for the end
 * of one that has; Fastify waits with it when a client has cancelled its request, and so would the drain.
 *
 * One listener for all responses.
 */
export function sayClosed(this: Http2ServerResponse): void {
  (this as { closed?: boolean }).closed = true;
}
