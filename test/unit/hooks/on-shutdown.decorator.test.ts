import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { ON_SHUTDOWN, OnShutdown } from '../../../src/hooks/on-shutdown.decorator.js';

describe('@OnShutdown()', () => {
  class Cache {
    @OnShutdown('draining', { order: 2 })
    @OnShutdown('releasing', { name: 'flush the cache', timeoutMs: 100 })
    flush() {}
    plain() {}
  }

  it('leaves each of its uses on the method, named after class and method unless it is given a name', () => {
    expect(Reflect.getMetadata(ON_SHUTDOWN, Cache.prototype.flush)).toEqual([
      { phase: 'releasing', options: { name: 'flush the cache', timeoutMs: 100 } },
      { phase: 'draining', options: { name: 'Cache.flush', order: 2 } },
    ]);
    expect(Reflect.hasMetadata(ON_SHUTDOWN, Cache.prototype.plain)).toBe(false);
  });

  it("does not change the caller's options", () => {
    const options = Object.freeze({ order: 1 });
    class Frozen {
      @OnShutdown('draining', options)
      stop() {}
    }
    expect(Reflect.getMetadata(ON_SHUTDOWN, Frozen.prototype.stop)).toHaveLength(1);
    expect(options).toEqual({ order: 1 });
  });

  it('raises DRAIN_MISPLACED_DECORATOR on something that is no method', () => {
    const place = () => {
      class Misplaced {
        @OnShutdown('draining')
        get lazily() {
          return 1;
        }
      }
      return Misplaced;
    };
    expect(place).toThrow(
      expect.objectContaining({
        code: 'DRAIN_MISPLACED_DECORATOR',
        message: 'Expected @OnShutdown() on a method, got it on Misplaced.lazily. Put it on a method of a provider.',
      }),
    );
  });

  it('raises DRAIN_INVALID_OPTION where it stands, naming the method', () => {
    const place = () => {
      class Misconfigured {
        @OnShutdown('releasing', { timeoutMs: -5 })
        stop() {}
      }
      return Misconfigured;
    };
    expect(place).toThrow(/^@OnShutdown\(\) of Misconfigured\.stop: expected timeoutMs .* got -5\./);
  });
});
