import { count, percent } from '../format.js';
import { html, type Markup } from '../html.js';
import { icon } from '../shapes.js';
import { meaningOf, nameOf } from '../../outcomes.js';
import { table } from './table.js';
import { type DrillResult } from '../../result.js';

/** All failures, the most frequent kind first. */
export function failuresByKind({ totals }: DrillResult): Markup {
  const kinds = Object.entries(totals.failuresByKind).filter(([, failed]) => failed > 0);
  kinds.sort(([, a], [, b]) => b - a);
  const columns = [
    { title: 'Kind' },
    { title: 'Requests', isNumber: true },
    { title: 'Of all', isNumber: true },
    { title: 'Meaning' },
  ];
  const rows = kinds.map(([kind, failed]) => [
    html`<span class="kind">${icon(kind)}${nameOf(kind)}</span>`,
    count(failed),
    percent(failed / totals.requests),
    meaningOf(kind),
  ]);
  const body = rows.length > 0 ? table('Failed requests of each kind', columns, rows) : html`<p>No request failed.</p>`;
  return html`<section aria-labelledby="kinds">
    <h2 id="kinds">Failures by kind</h2>
    ${body}
  </section> `;
}
