import { beforeEach, describe, expect, it } from '@jest/globals';
import { Detours } from '../../../../src/drainables/exchange/detours.js';

let detours: Detours;
beforeEach(() => {
  detours = new Detours();
});

const leads = (path: string) => detours.leadTo(path, (rest) => /^\/health(\/[^/]+)?$/.test(rest));

describe('Detours', () => {
  it('lead nowhere at first', () => {
    expect(leads('/behind/health')).toBe(false);
  });

  it('know a prefix from what is left of it, and what else stands behind it', () => {
    detours.learn('/behind/health', '/health');
    expect(['/behind/health', '/behind/health/db', '/behind/orders', '/behind', '/health'].map(leads)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('know a whole path where the route saw another one', () => {
    detours.learn('/alive', '/health');
    expect(['/alive', '/alive/health', '/alive/', '/aliv'].map(leads)).toEqual([true, false, false, false]);
  });

  it('know the path at which an application is mounted whose route is its root', () => {
    detours.learn('/health', '/');
    expect(detours.leadTo('/health', (rest) => rest === '/')).toBe(true);
    expect(detours.leadTo('/orders', (rest) => rest === '/')).toBe(false);
  });

  it('forget the one that was used longest ago, when clients make up too many', () => {
    detours.learn('/probed/health', '/health');
    for (let n = 0; n < 15; n++) detours.learn(`/${n}/health`, '/health');
    detours.learn('/probed/health', '/health');
    detours.learn('/15/health', '/health');
    expect(['/probed/health', '/0/health', '/1/health', '/15/health'].map(leads)).toEqual([true, false, true, true]);
  });
});
