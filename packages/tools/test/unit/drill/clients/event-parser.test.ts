import { describe, expect, it } from '@jest/globals';
import { EventParser } from '../../../../src/drill/clients/event-parser.js';

describe('EventParser', () => {
  const read = (...texts: readonly string[]) => {
    const parser = new EventParser();
    parser.beginConnection();
    return { parser, events: texts.flatMap((text) => parser.read(text)) };
  };

  it.each([
    ['ends of lines of any kind', ['id: 1\r\ndata: a\r\n\r\nid: 2\ndata: b\n\nid: 3\rdata: c\r\r\n']],
    ['an event in many parts', ['id', ': 1\nda', 'ta: a\n', '\nid: 2\ndata: b\r', '\n\r\nid: 3\ndata: c\n\n']],
    ['no blank behind the colon', ['id:1\ndata:a\n\nid:2\ndata:b\n\nid:3\ndata:c\n\n']],
  ])('reads %s', (_what, texts) => {
    expect(read(...texts).events).toEqual([
      { id: '1', data: 'a' },
      { id: '2', data: 'b' },
      { id: '3', data: 'c' },
    ]);
  });

  it('keeps an id until there is another, joins lines, and leaves comments and empty events out', () => {
    const { events, parser } = read('id: 7\ndata: a\ndata: b\n\n: keep alive\n\nevent: x\ndata: c\n\nretry: 250\n\n');
    expect(events).toEqual([
      { id: '7', data: 'a\nb' },
      { id: '7', data: 'c' },
    ]);
    expect(parser.retryMs).toBe(250);
  });

  it('drops what was half sent when a connection was cut', () => {
    const { parser } = read('id: 7\ndata: a\n\nid: 8\ndata: b\n');
    parser.beginConnection();
    expect(parser.lastId).toBe('7');
    expect(parser.read('data: c\n\n')).toEqual([{ id: '7', data: 'c' }]);
  });
});
