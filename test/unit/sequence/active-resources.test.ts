import { describe, expect, it } from '@jest/globals';
import { activeResources } from '../../../src/sequence/active-resources.js';

describe('activeResources', () => {
  it('counts what keeps the event loop alive, by kind', () => {
    const before = activeResources().get('Timeout') ?? 0;
    const timers = [setTimeout(() => undefined, 60_000), setTimeout(() => undefined, 60_000)];
    expect(activeResources().get('Timeout')).toBe(before + 2);
    timers.forEach(clearTimeout);
    expect(activeResources().get('Timeout') ?? 0).toBe(before);
  });
});
