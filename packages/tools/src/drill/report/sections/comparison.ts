import { count } from '../format.js';
import { html, type Markup } from '../html.js';
import { picture, scaleOf } from './picture.js';
import { table } from './table.js';
import { type DrillResult } from '../../result.js';
import { comparisonOf } from '../../comparison.js';

/** An earlier result and this one, side by side, on one scale. */
export function comparison(before: DrillResult, result: DrillResult): Markup {
  const scale = scaleOf([before, result]);
  const [left, right] = comparisonOf(before, result).titles;
  const sides = [
    [left, before],
    [right, result],
  ] as const;
  return html`<section class="comparison" aria-labelledby="comparison">
    <h2 id="comparison" class="unseen">Before and now</h2>
    <div class="sides">
      ${sides.map(
        ([title, side]) =>
          html`<div class="side ${side.conclusion === 'failed' ? 'bad' : 'good'}">
            <h3>${title}</h3>
            <p class="failed"><strong>${count(side.totals.failed)}</strong> of ${count(side.totals.requests)} failed</p>
            ${picture(side, scale, true)}
          </div>`,
      )}
    </div>
    ${table(
      'Before and now, in numbers',
      [{ title: '' }, { title: left, isNumber: true }, { title: right, isNumber: true }],
      comparisonOf(before, result).rows,
    )}
  </section> `;
}
