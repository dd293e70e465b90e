import { describe, expect, it } from '@jest/globals';
import { RequestMix } from '../../../src/drill/request-mix.js';

type Part = { name: string; weight?: number };
const names = (mix: RequestMix<Part>, turns: number): string =>
  Array.from({ length: turns }, () => mix.next().name).join('');

describe('RequestMix', () => {
  it('takes each part as often as its weight says, evenly spread', () => {
    const mix = new RequestMix([{ name: 'a', weight: 3 }, { name: 'b' }]);
    expect(names(mix, 8)).toBe('aabaaaba');
  });

  it('sets its users apart by what they skip', () => {
    const parts = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    expect(names(new RequestMix<Part>(parts, 1), 3)).toBe('bca');
    expect(names(new RequestMix<Part>(parts, 4), 3)).toBe('bca');
  });

  it.each([0, -1, 0.5, NaN, Infinity])('refuses a weight of %p', (weight) => {
    expect(() => new RequestMix([{ name: 'a', weight }])).toThrow(RangeError);
  });

  it('refuses to be empty', () => {
    expect(() => new RequestMix([])).toThrow('at least one request');
  });
});
