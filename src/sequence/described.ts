/** Says what something is that should be another: an object by its class and by what it has. */
export function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return `${value.constructor?.name ?? 'an object'} with ${Object.keys(value).join(', ') || 'nothing of it'}`;
}
