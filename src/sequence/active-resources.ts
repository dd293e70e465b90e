/**
 * What keeps the event loop alive, by kind and count.
 *
 * @see https://nodejs.org/api/process.html#processgetactiveresourcesinfo
 */
export function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
