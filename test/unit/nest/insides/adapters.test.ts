import { describe, expect, it } from '@jest/globals';
import { guardListen, runBeforeClose } from '../../../../src/nest/insides/adapters.js';

describe('runBeforeClose', () => {
  it('runs something first, and then what the adapter does by itself', async () => {
    const steps: unknown[] = [];
    const adapter = {
      async beforeClose(...args: unknown[]) {
        steps.push('its own', this === adapter, ...args);
      },
    };
    runBeforeClose(adapter, async () => {
      await Promise.resolve();
      steps.push('first');
    });
    await adapter.beforeClose('SIGTERM');
    expect(steps).toEqual(['first', 'its own', true, 'SIGTERM']);
  });

  it('adds nothing to an adapter of a Nest that does not ask', () => {
    const adapter = {};
    runBeforeClose(adapter, async () => undefined);
    expect(adapter).toEqual({});
  });
});

describe('guardListen', () => {
  it('lets an application listen while it may', () => {
    const listened: unknown[] = [];
    const adapter = {
      listen(...args: unknown[]) {
        listened.push(this === adapter, ...args);
        return 'server';
      },
    };
    let mayListen = true;
    guardListen(adapter, () => mayListen);
    expect(adapter.listen(8_080)).toBe('server');
    mayListen = false;
    expect(adapter.listen(8_081)).toBeUndefined();
    expect(listened).toEqual([true, 8_080]);
  });

  it('adds nothing to an adapter that does not listen', () => {
    const adapter = {};
    guardListen(adapter, () => false);
    expect(adapter).toEqual({});
  });
});
