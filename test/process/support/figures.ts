const taken = new Map<string, number[]>();

/** Keeps a measured time under its name. */
export function record(name: string, ms: number): void {
  taken.set(name, [...(taken.get(name) ?? []), ms]);
}

/** Prints what was measured, a line each: the median, and the longest. */
export function printFigures(): void {
  const lines = [...taken].map(([name, times]) => {
    const sorted = [...times].sort((a, b) => a - b);
    const [median, longest] = [sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
    return `${name}: median ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms (${times.length})`;
  });
  process.stderr.write(`\n${lines.join('\n')}\n`);
  taken.clear();
}
