type Method = (...args: never[]) => unknown;

/**
 * Yields the methods of `prototype`: first its own, then the inherited ones, those that are overridden included.
 * Getters are not called.
 */
export function* methodsOf(prototype: object | null): Iterable<readonly [name: string, method: Method]> {
  for (let each = prototype; each && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      const value: unknown = descriptor.value;
      if (typeof value === 'function' && name !== 'constructor') yield [name, value as Method];
    }
  }
}
