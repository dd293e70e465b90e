import { expect, it } from '@jest/globals';
import { isNestsShutdownListener } from '../../../../src/nest/insides/shutdown-hooks.js';
import { nestsShutdownListener } from '../../../support/fake-process.js';

it("Nest's listener for signals is known by its text, and no other is taken for it, however little that says", () => {
  expect(isNestsShutdownListener(nestsShutdownListener())).toBe(true);
  expect(isNestsShutdownListener(() => process.exit())).toBe(false);
  const short = Object.assign(() => undefined, { toString: () => 'this' });
  expect(isNestsShutdownListener(short)).toBe(false);
});
