export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}

export function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** A markdown table. The first row is its head; all columns but the first are numbers. */
export function table(head, rows) {
  const rule = head.map((_cell, index) => (index === 0 ? '---' : '--:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** How often each came, by what it is called: `2 × 503 (new), 1 × ECONNRESET (kept)`. */
export function spelt(counts) {
  return Object.entries(counts)
    .map(([what, times]) => `${times} × ${what}`)
    .join(', ');
}

export function fixed(value, digits) {
  return value === undefined
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
