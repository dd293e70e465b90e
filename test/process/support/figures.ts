const taken = new Map<string, number[]>();

/** Keeps a measured time under its name. */
export function record(name: string, ms: number): void {
  taken.set(name, [...(taken.get(name) ?? []), ms]);
}

export function fastestOf(name: string): number {
  return sortedTimes(name)[0]!;
}

/** Prints what was measured, a line each: the median, and the longest. */
export function printFigures(): void {
  const lines = [...taken.keys()].map((name) => {
    const times = sortedTimes(name);
    const median = times[Math.floor(times.length / 2)]!;
    return `${name}: median ${median.toFixed(0)} ms, longest ${times.at(-1)!.toFixed(0)} ms (${times.length})`;
  });
  process.stderr.write(`\n${lines.join('\n')}\n`);
  taken.clear();
}

function sortedTimes(name: string): number[] {
  return [...(taken.get(name) ?? [])].sort((a, b) => a - b);
}
