type Method = (...args: never[]) => unknown;

/**
 * The methods of `prototype`, own ones first, then inherited ones, those that are overridden included. Getters are not
 * touched.
 */
export function* methodsOf(prototype: object | null): Iterable<readonly [name: string, method: Method]> {
  for (let each = prototype; each && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) {
    for (const name of Object.getOwnPropertyNames(each)) {
      if (name === 'constructor') continue;
      const value: unknown = Object.getOwnPropertyDescriptor(each, name)?.value;
      if (typeof value === 'function') yield [name, value as Method];
    }
  }
}
