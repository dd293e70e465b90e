import { count, countOf, duration, instant } from '../format.js';
import { failuresOf } from '../failures.js';
import { html, type Markup } from '../html.js';
import { icon } from '../shapes.js';
import { nameOf } from '../../outcomes.js';
import { titleOf } from './rolls.js';
import { table } from './table.js';
import { type DrillSettings, type Roll } from '../../result.js';

/** Each failure of a roll, with its moment relative to the signal. Nothing when there is none. */
export function failureList(roll: Roll, settings: DrillSettings, atMost: number): Markup {
  const failures = failuresOf(roll, settings.signal);
  if (failures.length === 0) return html``;
  const shown = failures.slice(0, atMost);
  const columns = [
    { title: 'Due', isNumber: true },
    { title: 'What happened' },
    { title: 'When' },
    { title: 'Replica' },
    { title: 'Request' },
    { title: 'Failed after', isNumber: true },
  ];
  const rows = shown.map(({ dueAtMs, outcome, moment, replica, request, latencyMs }) => [
    instant(dueAtMs),
    html`<span class="kind">${icon(outcome)}${nameOf(outcome)}</span>`,
    moment,
    replica ?? 'not known',
    html`<code>${settings.requests[request]?.name ?? 'not known'}</code>`,
    duration(latencyMs),
  ]);
  const rest = failures.length - shown.length;
  return html`<details${failures.length <= 12 ? html` open` : ''}><summary>${countOf(failures.length, 'failure')}, one by one</summary>
${table(`${titleOf(roll)}: failures`, columns, rows)}
${rest > 0 ? html`<p class="note">The first ${count(shown.length)}; ${count(rest)} more are marked in the chart.</p>` : ''}
</details>
`;
}
