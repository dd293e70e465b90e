type Method = (...args: never[]) => unknown;

/**
 * The methods of `prototype`, own ones first, then inherited ones, those that are overridden included. Getters are not
 * touched.
 */
export function* methodsOf(prototype: object | null): Iterable<readonly [name: string, method: Method]> {
  for (let each = prototype; each && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      const value: unknown = descriptor.value;
      if (typeof value === 'function' && name !== 'constructor') yield [name, value as Method];
    }
  }
}
