import { describe, expect, it } from '@jest/globals';
import { advance, hasReached, type ShutdownPhase } from '../../../src/sequence/phase.js';

const phases: readonly ShutdownPhase[] = ['running', 'lame-duck', 'draining', 'releasing', 'closed'];
const pairs = phases.flatMap((from) => phases.map((to) => [from, to] as const));
const legal = new Set([
  'running lame-duck',
  'lame-duck draining',
  'draining releasing',
  'releasing closed',
  'lame-duck closed',
  'draining closed',
]);

describe('advance', () => {
  it.each(pairs.filter(([from, to]) => legal.has(`${from} ${to}`)))('goes from %s to %s', (from, to) => {
    expect(advance(from, to)).toBe(to);
  });

  it.each(pairs.filter(([from, to]) => !legal.has(`${from} ${to}`)))('refuses to go from %s to %s', (from, to) => {
    expect(() => advance(from, to)).toThrow(new Error(`A shutdown cannot go from '${from}' to '${to}'.`));
  });
});

describe('hasReached', () => {
  it.each(pairs)('tells, for %s, whether %s lies behind or is here', (phase, milestone) => {
    expect(hasReached(phase, milestone)).toBe(phases.indexOf(phase) >= phases.indexOf(milestone));
  });
});
