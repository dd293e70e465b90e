import { describe, expect, it } from '@jest/globals';
import { checkHook } from '../../../src/hooks/check-hook.js';
import { type HookOptions } from '../../../src/hooks/hook-registry.js';
import { type HookPhase } from '../../../src/sequence/hooks.js';

describe('checkHook', () => {
  it.each(['lame-duck', 'draining', 'releasing'] as const)('accepts %s', (phase) => {
    expect(() => checkHook('onShutdown()', phase, {})).not.toThrow();
    expect(() => checkHook('onShutdown()', phase, { order: -1.5, timeoutMs: 2 ** 31 - 1 })).not.toThrow();
    expect(() => checkHook('onShutdown()', phase, { order: 0, timeoutMs: 1 })).not.toThrow();
  });

  const timeout = 'onShutdown(): expected timeoutMs to be milliseconds between 1 and 2147483647, got';
  it.each([
    [
      'closed',
      {},
      'onShutdown(): expected one of lame-duck, draining, releasing as phase, got closed. Name the phase the hook belongs to.',
    ],
    [
      'releasing',
      { order: NaN },
      'onShutdown(): expected order to be a finite number, got NaN. Lower orders run first.',
    ],
    [
      'releasing',
      { order: Infinity },
      'onShutdown(): expected order to be a finite number, got Infinity. Lower orders run first.',
    ],
    ['releasing', { order: '1' }, 'onShutdown(): expected order to be a finite number, got 1. Lower orders run first.'],
    ['releasing', { timeoutMs: 0 }, `${timeout} 0. Leave it out for the default.`],
    ['releasing', { timeoutMs: -1 }, `${timeout} -1. Leave it out for the default.`],
    ['releasing', { timeoutMs: NaN }, `${timeout} NaN. Leave it out for the default.`],
    ['releasing', { timeoutMs: Infinity }, `${timeout} Infinity. Leave it out for the default.`],
    ['releasing', { timeoutMs: 2 ** 31 }, `${timeout} 2147483648. Leave it out for the default.`],
    ['releasing', { timeoutMs: '10s' }, `${timeout} 10s. Leave it out for the default.`],
  ])('refuses %s with %p', (phase, options, message) => {
    expect(() => checkHook('onShutdown()', phase as HookPhase, options as HookOptions)).toThrow(
      expect.objectContaining({ code: 'DRAIN_INVALID_OPTION', message }),
    );
  });
});
