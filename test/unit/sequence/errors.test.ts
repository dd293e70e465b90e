import { describe, expect, it } from '@jest/globals';
import { DrainError, messageOf } from '../../../src/sequence/errors.js';

describe('DrainError', () => {
  it('is an Error that carries its code and its name', () => {
    const error = new DrainError('DRAIN_TOO_LATE', 'It is over.');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'DRAIN_TOO_LATE', name: 'DrainError', message: 'It is over.' });
    expect(String(error)).toBe('DrainError: It is over.');
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('broken'), 'broken'],
    ['a string', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
  ])('reads %p', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
