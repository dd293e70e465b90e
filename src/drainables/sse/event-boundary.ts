/** The longest end of an event: a line end, and an empty line. */
const tailLength = 4;

/**
 * Tells whether what has been written so far ends with whole events: with an empty line, or with nothing.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventBoundary {
  /** The last bytes written. A stream begins as if behind an empty line. */
  private tail = '\n\n';

  get isReached(): boolean {
    return /(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)$/.test(this.tail);
  }

  /** Takes note of a chunk given to `write()`. */
  wrote(chunk: unknown, encoding: unknown): void {
    this.tail = (this.tail + tailOf(chunk, encoding)).slice(-tailLength);
  }
}

function tailOf(chunk: unknown, encoding: unknown): string {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.subarray(-tailLength)).toString('latin1');
  if (typeof chunk !== 'string') return '';
  const isText = typeof encoding !== 'string' || /^(utf-?8|latin1|ascii|binary)$/i.test(encoding);
  // Written in any other way (hex, base64) it is taken for half an event.
  return isText ? chunk.slice(-tailLength) : '?'.repeat(tailLength);
}
