import { calendarTime, count, countOf, duration, percent } from '../format.js';
import { html, type Markup } from '../html.js';
import { type DrillResult } from '../../result.js';

/** The sentence everybody reads, and the figures it stands on. */
export function verdict(result: DrillResult): Markup {
  const { settings, startedAt, lostNothing, totals } = result;
  const badge = lostNothing ? 'Nothing lost' : totals.failed > 0 ? 'Requests lost' : 'Replica killed';
  return html`<header class="verdict ${lostNothing ? 'good' : 'bad'}">
    <p class="eyebrow">
      Rolling-restart drill <span aria-hidden="true">·</span>
      <time datetime="${startedAt}">${calendarTime(startedAt)}</time>
    </p>
    <p class="badge">${lostNothing ? tick : cross}${badge}</p>
    <h1>${result.verdict}</h1>
    <p class="command"><code>${settings.command.join(' ')}</code></p>
  </header> `;
}

export function figures(result: DrillResult): Markup {
  const { requests, failed, lossUpperBound, latency } = result.totals;
  const { duringRolls, between } = latency;
  const seconds = duration(result.durationMs);
  return html`<section class="figures" aria-labelledby="figures">
    <h2 id="figures" class="unseen">In numbers</h2>
    <dl>
      ${figure('Requests', count(requests), `in ${seconds}, ${count(result.settings.ratePerSecond)} a second`)}
      ${figure('Failed', count(failed), failed === 0 ? 'not one' : `${percent(failed / requests)} of all`, failed > 0)}
      ${figure('Loss rate, at most', percent(lossUpperBound), 'upper bound with 95\u00a0% confidence')}
      ${figure('p99 while a replica is replaced', duration(duringRolls.p99Ms), compared(duringRolls.p99Ms, between.p99Ms))}
    </dl>
    <p class="unseen">
      Measured over ${countOf(duringRolls.count, 'request')} in rolls and ${countOf(between.count, 'request')} between.
    </p>
  </section> `;
}

function figure(label: string, value: string, note: string, isBad = false): Markup {
  return html`<div${isBad ? html` class="bad"` : ''}><dt>${label}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;
}

function compared(duringMs: number, betweenMs: number): string {
  if (!(betweenMs > 0) || !(duringMs > 0)) return 'nothing to compare it with';
  const ratio = duringMs / betweenMs;
  const times = ratio < 1.05 && ratio > 0.95 ? 'no change' : `${ratio.toFixed(ratio < 9.95 ? 1 : 0)}\u00a0times that`;
  return `${duration(betweenMs)} between rolls: ${times}`;
}

const tick = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <circle cx="12" cy="12" r="11" />
  <path d="M6.5 12.5L10.5 16.5L17.5 8.5" />
</svg>`;
const cross = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <circle cx="12" cy="12" r="11" />
  <path d="M8 8L16 16M16 8L8 16" />
</svg>`;
