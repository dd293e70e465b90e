type Method = (...args: never[]) => unknown;

/**
 * Puts a method in the place of another, on this object alone, as a property that is not listed.
 *
 * @param make is given the method as it is; what it returns is called with the object as `this`
 * @returns whether there was such a method
 */
export function overlay<M extends Method>(target: object, name: string, make: (original: M) => M): boolean {
  const original: unknown = (target as Record<string, unknown>)[name];
  if (typeof original !== 'function') return false;
  Object.defineProperty(target, name, {
    value: make(original as M),
    writable: true,
    configurable: true,
    enumerable: false,
  });
  return true;
}
