/** Tells an `EventSource` to wait this long before it comes back, and is no event by itself. */
export function retryField(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** Between half and one and a half of `ms`, whole: clients that are told to come back do not all come at once. */
export function jittered(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.5 + random()));
}
