import { type DrillResult } from '../result.js';

/** The result as it is, a line for each of its parts: thousands of samples would take a line each otherwise. */
export function jsonOf(result: DrillResult): string {
  const parts = Object.entries(result)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${parts.join(',\n')}\n}\n`;
}
