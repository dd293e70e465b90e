import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { copyFunction } from '../../../src/in-flight/metadata.js';

describe('copyFunction', () => {
  it("carries over the source's metadata, its own properties and its name", () => {
    const source = Object.assign(
      function orders() {
        return 'source';
      },
      { label: 'own property' },
    );
    Reflect.defineMetadata('path', '/orders', source);
    Reflect.defineMetadata(Symbol.for('key'), { deep: true }, source);
    const target = copyFunction(source as () => string, () => 'target');
    expect(target()).toBe('target');
    expect(target.name).toBe('orders');
    expect(Object.entries(target)).toEqual([['label', 'own property']]);
    expect(Reflect.getMetadata('path', target)).toBe('/orders');
    expect(Reflect.getMetadata(Symbol.for('key'), target)).toEqual({ deep: true });
  });

  it('leaves the source as it is when the copy is marked', () => {
    const source = () => undefined;
    const target = copyFunction(source, () => undefined);
    Reflect.defineMetadata('mark', true, target);
    expect(Reflect.hasMetadata('mark', source)).toBe(false);
  });

  it('copies an empty name too', () => {
    const target = copyFunction(
      (
        () => () =>
          undefined
      )(),
      function named() {
        return undefined;
      },
    );
    expect(target.name).toBe('');
  });
});
