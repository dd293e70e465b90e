import { describe, expect, it } from '@jest/globals';
import { durationMs } from '../../../../src/doctor/read/duration.js';

describe('durationMs', () => {
  it.each([
    ['30', 30_000],
    ['1.5', 1_500],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1min 30s', 90_000],
    ['"20s"', 20_000],
    ['1500ms', 1_500],
    ['1h', 3_600_000],
    ['', undefined],
    ['${GRACE}', undefined],
    ['30x', undefined],
    ['s30', undefined],
    ['10s later', undefined],
    ['constructor', undefined],
  ])('of %j is %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });
});
