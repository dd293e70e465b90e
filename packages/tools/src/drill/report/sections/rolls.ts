import { count, duration } from '../format.js';
import { html, type Markup } from '../html.js';
import { latencyByPart } from '../latency.js';
import { table } from './table.js';
import { type DrillResult, type Roll } from '../../result.js';

/** One row a roll: which lag was too much, and where to look. */
export function rolls({ rolls }: DrillResult): Markup {
  const columns = [
    { title: 'Roll' },
    { title: 'Requests', isNumber: true },
    { title: 'Failed', isNumber: true },
    { title: 'p50 during', isNumber: true },
    { title: 'p99 during', isNumber: true },
    { title: 'Longest stop', isNumber: true },
    { title: 'Killed', isNumber: true },
  ];
  return html`<section aria-labelledby="rolls">
    <h2 id="rolls">Rolls</h2>
    <p>
      In each roll every replica was replaced once, under load. The lag is how long the balancer still sends new
      connections to a replica that is not ready any more.
    </p>
    ${table('What each roll lost', columns, rolls.map(row))}
  </section> `;
}

/** `Lag 500 ms, round 1` */
export function titleOf({ lagMs, round }: Roll): string {
  return lagMs === undefined ? `Roll ${round}` : `Lag ${duration(lagMs)}, round ${round}`;
}

export function failedIn({ samples: { outcome, outcomes } }: Roll): number {
  const okIndex = outcomes.indexOf('ok');
  return outcome.filter((each) => each !== okIndex).length;
}

function row(roll: Roll, index: number): readonly (Markup | string)[] {
  const failed = failedIn(roll);
  const { during } = latencyByPart(roll);
  const stops = roll.replicas.map(({ signalledAtMs, exitedAtMs }) => (exitedAtMs ?? NaN) - (signalledAtMs ?? NaN));
  return [
    html`<a href="#roll-${index + 1}">${titleOf(roll)}</a>`,
    count(roll.samples.dueAtMs.length),
    failed > 0 ? html`<strong class="bad">${count(failed)}</strong>` : '0',
    duration(during.p50Ms),
    duration(during.p99Ms),
    duration(Math.max(...stops.filter(Number.isFinite))),
    count(roll.replicas.filter(({ wasKilled }) => wasKilled).length),
  ];
}
