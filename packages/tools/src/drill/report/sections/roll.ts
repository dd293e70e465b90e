import { type Budget } from '../budget.js';
import { chartData } from '../chart-data.js';
import { count, countOf, duration, instant } from '../format.js';
import { html, json, type Markup } from '../html.js';
import { lanesOf, spanOf } from '../lanes.js';
import { slicesOf } from '../slices.js';
import { icon } from '../shapes.js';
import { nameOf } from '../../outcomes.js';
import { type Dots } from '../thin.js';
import { failureList } from './failure-list.js';
import { latency } from './latency.js';
import { bandKey } from './key.js';
import { replicas } from './replicas.js';
import { failedIn, titleOf } from './rolls.js';
import { table } from './table.js';
import { type DrillSettings, type Roll } from '../../result.js';

export interface RollParts {
  readonly dots: Dots;
  readonly settings: DrillSettings;
  readonly budget: Budget;
  /** It lost most, or is the only one: on paper it stands for all. */
  readonly isWorst: boolean;
}

/**
 * One roll: its chart, the same in numbers, its failures, its latency and its replicas. All but its title is folded when
 * nothing failed in it.
 */
export function roll(roll: Roll, index: number, { dots, settings, budget, isWorst }: RollParts): Markup {
  const id = `roll-${index + 1}`;
  const failed = failedIn(roll);
  const requests = roll.samples.dueAtMs.length;
  const summary = failed === 0 ? 'none failed' : `${count(failed)} failed`;
  const { fromMs, toMs } = spanOf(roll);
  const over = duration(toMs - fromMs);
  const kind = isWorst ? 'roll worst' : 'roll';
  const fold = (content: Markup): Markup =>
    failed > 0
      ? content
      : html`<details class="clean">
          <summary>Its timeline</summary>
          ${content}
        </details>`;
  return html`<article class="${kind}" id="${id}" aria-labelledby="${id}-title">
    <h3 id="${id}-title">${titleOf(roll)} <span class="aside">${countOf(requests, 'request')}, ${summary}</span></h3>
    ${fold(
      html`<figure class="chart" data-roll="${id}">
          <div class="key">${key(roll, settings.signal)}</div>
          <div class="zoom" role="group" aria-label="Part of the roll that is shown"></div>
          <div
            class="plots"
            role="group"
            tabindex="0"
            aria-roledescription="chart"
            aria-label="${titleOf(roll)}: left and right arrow keys go from event to event"
            aria-describedby="${id}-drawn"
          >
            <div
              class="plot dots"
              role="img"
              aria-label="Latency of ${countOf(requests, 'request')} over ${over}: ${summary}"
            ></div>
            <div
              class="plot lanes"
              role="img"
              aria-label="What ${countOf(roll.replicas.length, 'replica')} did over the same ${over}: phases, readiness and rotation"
            ></div>
            <div class="tip" aria-hidden="true" hidden></div>
          </div>
          <p class="unseen said" role="status"></p>
          <figcaption id="${id}-drawn">
            ${drawn(dots)} <span class="hint">Drag over the chart to look closer.</span>
          </figcaption>
          <noscript><p>The chart needs JavaScript. The tables below say the same.</p></noscript>
          <script type="application/json" id="${id}-data">
            ${json(chartData(roll, dots, settings))}
          </script>
        </figure>
        <details>
          <summary>The chart as a table</summary>
          ${slices(roll, budget.slices)}
        </details>
        ${failureList(roll, settings, budget.listedFailures)} ${latency(roll)}
        ${replicas(roll, settings, budget.output)}`,
    )}
  </article> `;
}

function key(roll: Roll, signal: string): Markup {
  const { outcomes, outcome } = roll.samples;
  const seen = new Set(outcome);
  const kinds = outcomes.filter((_, index) => seen.has(index));
  return html`<ul class="outcomes">
      ${kinds.map((kind) => html`<li>${icon(kind)}${nameOf(kind)}</li>`)}
    </ul>
    ${bandKey(lanesOf(roll, signal))}`;
}

function drawn({ ok, oneOf, okTotal, failures, failedTotal }: Dots): string {
  const answered =
    oneOf === 1
      ? `Drawn: every answered request (${count(okTotal)})`
      : `Drawn: ${count(ok.length)} of ${count(okTotal)} answered requests (one of every ${oneOf}, and the slowest)`;
  if (failedTotal === 0) return `${answered}.`;
  const marks = failures.length === failedTotal ? '' : `, under ${countOf(failures.length, 'mark')}`;
  return `${answered}, and every failure (${count(failedTotal)}${marks}).`;
}

function slices(roll: Roll, atMost: number): Markup {
  const columns = [
    { title: 'From' },
    { title: 'To', isNumber: true },
    { title: 'Answered', isNumber: true },
    { title: 'Failed', isNumber: true },
    { title: 'p50', isNumber: true },
    { title: 'p99', isNumber: true },
    { title: 'Slowest', isNumber: true },
  ];
  const rows = slicesOf(roll, atMost).map(
    ({ fromMs, toMs, failed, latency: { count: answered, p50Ms, p99Ms, maxMs } }) => [
      instant(fromMs),
      instant(toMs),
      count(answered),
      count(failed),
      duration(p50Ms),
      duration(p99Ms),
      duration(maxMs),
    ],
  );
  return table(`${titleOf(roll)}: requests over time`, columns, rows);
}
