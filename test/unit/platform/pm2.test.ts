import { describe, expect, it } from '@jest/globals';
import { isUnderPm2 } from '../../../src/platform/pm2.js';

describe('isUnderPm2', () => {
  it.each([
    ['PM2 has a channel to it', { pm_id: '0' }, true, true, true],
    ['something stands between PM2 and it', { pm_id: '0' }, false, false, true],
    ['it is started in a terminal that has inherited the variable', { pm_id: '0' }, false, true, false],
    ['somebody else has forked it', {}, true, false, false],
  ])('when %s', (_, environment, isConnected, isTerminal, expected) => {
    expect(isUnderPm2(environment, isConnected, () => isTerminal)).toBe(expected);
  });
});
