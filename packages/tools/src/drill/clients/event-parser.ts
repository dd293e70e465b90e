/** One event of a stream. */
export interface ServerEvent {
  /** The last id that the stream has told, with this event or before. */
  readonly id: string;
  readonly data: string;
}

/**
 * Reads an event stream as the standard says, over all connections of one subscriber.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventParser {
  /** What the stream has told last. */
  lastId = '';
  retryMs?: number;
  private rest = '';
  private id = '';
  private data: string[] = [];

  /** What was half sent is dropped. */
  beginConnection(): void {
    this.rest = '';
    this.id = this.lastId;
    this.data = [];
  }

  /** The events that are complete with this text. */
  read(text: string): ServerEvent[] {
    // A CR at the end may be half of a line's end.
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop()!;
    return lines.flatMap((line) => (line === '' ? this.dispatch() : this.field(line)));
  }

  private field(line: string): [] {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (name === 'data') this.data.push(value);
    if (name === 'id' && !value.includes('\0')) this.id = value;
    if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return [];
  }

  private dispatch(): ServerEvent[] {
    this.lastId = this.id;
    const { data } = this;
    this.data = [];
    return data.length === 0 ? [] : [{ id: this.lastId, data: data.join('\n') }];
  }
}
