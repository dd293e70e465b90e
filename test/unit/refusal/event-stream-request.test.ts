import { describe, expect, it } from '@jest/globals';
import { acceptsEventStream } from '../../../src/refusal/event-stream-request.js';

const asks = (accept: string | undefined, method = 'GET') => acceptsEventStream({ method, headers: { accept } });

describe('acceptsEventStream', () => {
  it.each([
    'text/event-stream',
    'text/event-stream;q=0.5',
    'text/html, text/event-stream',
    'text/html,text/event-stream ,*/*',
    'Text/Event-Stream',
  ])('holds for Accept: %s', (accept) => {
    expect(asks(accept)).toBe(true);
    expect(asks(accept, 'HEAD')).toBe(true);
  });

  it.each([
    '',
    '*/*',
    'text/*',
    'application/json',
    'text/event-streams',
    'x-text/event-stream',
    'a;b="text/event-stream"',
  ])('does not hold for Accept: %s', (accept) => expect(asks(accept)).toBe(false));

  it('does not hold without the header, or for what nobody sends again', () => {
    expect(asks(undefined)).toBe(false);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect(asks('text/event-stream', method)).toBe(false);
    }
  });
});
