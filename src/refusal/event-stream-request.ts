import { type RequestHead } from '../admission/admission.js';

const eventStream = /(?:^|,)\s*text\/event-stream\s*(?:[;,]|$)/i;

/**
 * Reports whether whoever sent the request reads events, and comes back by itself when the stream ends: an
 * `EventSource` always sends `GET`, and names the type.
 *
 * A `POST` that accepts a stream of events is work of which the stream is the answer (a generated text, a call of the
 * Model Context Protocol): nobody sends it again, so it is neither ended early nor answered with an empty stream when
 * it is late. The same holds for whoever takes anything.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
 */
export function acceptsEventStream({ method, headers: { accept } }: RequestHead): boolean {
  return typeof accept === 'string' && (method === 'GET' || method === 'HEAD') && eventStream.test(accept);
}
