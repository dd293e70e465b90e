/** The class that a prototype is of. `constructor` may be a getter, or anything else: no code of it is run. */
export function classOf(prototype: unknown): { readonly name: string } | undefined {
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof value === 'function' ? value : undefined;
}
