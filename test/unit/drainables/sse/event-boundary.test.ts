import { describe, expect, it } from '@jest/globals';
import { EventBoundary } from '../../../../src/drainables/sse/event-boundary.js';

function after(...chunks: (string | Uint8Array)[]): boolean {
  const boundary = new EventBoundary();
  for (const chunk of chunks) boundary.wrote(chunk, undefined);
  return boundary.isReached;
}

describe('EventBoundary', () => {
  it.each([
    [[]],
    [['\n']],
    [['data: a\n\n']],
    [['data: a\r\n\r\n']],
    [['data: a\r\r']],
    [['data: a\n', '\n']],
    [['data: a\r\n', '\r', '\n']],
    [[': comment\n\n']],
    [[Buffer.from('data: a\n\n')]],
    [['data: a', Buffer.from('\n'), '\n']],
    [['data: a\n\n', '']],
    [['data: a\n\n', Buffer.alloc(0)]],
  ])('is reached behind %j', (chunks) => expect(after(...chunks)).toBe(true));

  it.each([
    [['d']],
    [['data: a']],
    [['data: a\n']],
    [['data: a\r\n']],
    [['data: a\r', '\n']],
    [['data: a\n\n', 'data: b']],
    [['data: a\n\n', Buffer.from('data: b\n')]],
    [['\n\nx\n']],
  ])('is not reached behind %j', (chunks) => expect(after(...chunks)).toBe(false));

  it('takes what it cannot read for half an event', () => {
    const boundary = new EventBoundary();
    boundary.wrote('0a0a', 'hex');
    expect(boundary.isReached).toBe(false);
    boundary.wrote('data: a\n\n', 'utf8');
    expect(boundary.isReached).toBe(true);
    boundary.wrote(undefined, undefined);
    expect(boundary.isReached).toBe(true);
  });

  it('begins in the middle of nothing, however the first line ends', () => {
    expect(after('\r\n')).toBe(true);
    expect(after('\r')).toBe(true);
  });
});
