const taken = new Map<string, number[]>();

/** Keeps a measured time under its name. */
export function record(name: string, ms: number): void {
  taken.set(name, [...(taken.get(name) ?? []), ms]);
}

export function medianOf(name: string): number {
  const sorted = sortedTimes(name);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Prints what was measured, a line each: the median, and the longest. */
export function printFigures(): void {
  const lines = [...taken.keys()].map((name) => {
    const times = sortedTimes(name);
    return `${name}: median ${medianOf(name).toFixed(0)} ms, longest ${times.at(-1)!.toFixed(0)} ms (${times.length})`;
  });
  process.stderr.write(`\n${lines.join('\n')}\n`);
  taken.clear();
}

function sortedTimes(name: string): number[] {
  return [...(taken.get(name) ?? [])].sort((a, b) => a - b);
}
