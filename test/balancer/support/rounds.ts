import { runCell, type Cell, type CellResult } from './cell.js';

/** Rolls the cell as often as it takes to have asked this many requests. */
export async function runCellFor(requests: number, cell: Cell, main: string): Promise<CellResult> {
  let total = await runCell(cell, main);
  while (total.requests < requests) total = together(total, await runCell(cell, main));
  return total;
}

/** Two runs of one cell as one. The quantiles are the worse of the two. */
export function together(one: CellResult, other: CellResult): CellResult {
  const failuresByKind: Partial<Record<string, number>> = { ...one.failuresByKind };
  for (const [kind, count] of Object.entries(other.failuresByKind)) {
    failuresByKind[kind] = (failuresByKind[kind] ?? 0) + (count ?? 0);
  }
  return {
    requests: one.requests + other.requests,
    failed: one.failed + other.failed,
    failuresByKind,
    story: [one.story, other.story].filter((story) => story !== '').join('\n'),
    connections: one.connections + other.connections,
    p50Ms: Math.max(one.p50Ms, other.p50Ms),
    p99Ms: Math.max(one.p99Ms, other.p99Ms),
    slowestMs: Math.max(one.slowestMs, other.slowestMs),
    durationMs: one.durationMs + other.durationMs,
    shutdowns: [...one.shutdowns, ...other.shutdowns],
  };
}

/** The outcome of each piece of work, `atOnce` of them at a time, in their order. Never rejects. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const outcomes: PromiseSettledResult<Result>[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) {
      const [outcome] = await Promise.allSettled([work(item)]);
      outcomes[at] = outcome;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}
