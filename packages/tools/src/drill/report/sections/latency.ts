import { count, duration } from '../format.js';
import { html, type Markup } from '../html.js';
import { latencyByPart, type Part } from '../latency.js';
import { titleOf } from './rolls.js';
import { table } from './table.js';
import { type Quantiles, type Roll } from '../../result.js';

/** Before, during and after: numbers, with a bar each on one scale of tenfold steps. */
export function latency(roll: Roll): Markup {
  const parts = latencyByPart(roll);
  const measured = Object.values(parts).filter(({ count }) => count > 0);
  if (measured.length === 0) return html``;
  const low = Math.log10(Math.max(0.1, Math.min(...measured.map(({ p50Ms }) => p50Ms)))) - 0.05;
  const high = Math.log10(Math.max(1, ...measured.map(({ maxMs }) => maxMs))) + 0.05;
  const columns = [
    { title: 'Latency' },
    { title: 'p50', isNumber: true },
    { title: 'p95', isNumber: true },
    { title: 'p99', isNumber: true },
    { title: 'Slowest', isNumber: true },
    { title: 'Answered', isNumber: true },
    { title: 'Median to p95, to p99, to the slowest' },
  ];
  const rows = (['before', 'during', 'after'] as const).map((part) => {
    const quantiles = parts[part];
    return [
      names[part],
      ...[quantiles.p50Ms, quantiles.p95Ms, quantiles.p99Ms, quantiles.maxMs].map(duration),
      count(quantiles.count),
      bar(quantiles, low, high),
    ];
  });
  return html`<div class="latency">
    <h4>Latency before, during and after</h4>
    ${table(`${titleOf(roll)}: latency before, during and after the restart`, columns, rows)}
  </div> `;
}

const names: Readonly<Record<Part, string>> = { before: 'before', during: 'during the roll', after: 'after' };

/** From the median to p99 thick, on to the slowest thin. */
function bar({ count, p50Ms, p95Ms, p99Ms, maxMs }: Quantiles, low: number, high: number): Markup {
  if (count === 0) return html``;
  const x = (ms: number): number => round((200 * (Math.log10(Math.max(0.1, ms)) - low)) / (high - low));
  const rect = (from: number, to: number, y: number, height: number, kind: string): Markup =>
    html`<rect
      class="${kind}"
      x="${x(from)}"
      y="${y}"
      width="${Math.max(1, round(x(to) - x(from)))}"
      height="${height}"
    />`;
  return html`<svg class="quantiles" viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true">
    ${rect(p99Ms, maxMs, 5.5, 1, 'slowest')}${rect(p50Ms, p99Ms, 3.5, 5, 'most')}${rect(p50Ms, p95Ms, 1.5, 9, 'many')}
  </svg>`;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
