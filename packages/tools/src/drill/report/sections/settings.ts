import { count, duration, percent } from '../format.js';
import { html, type Content, type Markup } from '../html.js';
import { type DrillResult } from '../../result.js';

/** What the drill was asked to do: enough to run it again. */
export function settings({ settings: asked, totals }: DrillResult): Markup {
  const entries: readonly (readonly [string, Content])[] = [
    ['Command', html`<code>${asked.command.join(' ')}</code>`],
    ['Preset', asked.preset],
    ['Replicas', count(asked.replicas)],
    ['Rounds at each lag', count(asked.rounds)],
    ['Lags', asked.lagsMs.map(duration).join(', ')],
    ['Protocol', asked.protocol ?? 'http'],
    ['Rate', `${count(asked.ratePerSecond)}\u00a0requests a second`],
    ['Readiness path', html`<code>${asked.readinessPath}</code>`],
    ['Signal', asked.signal],
    ['preStop', duration(asked.preStopMs)],
    ['Grace, then SIGKILL', duration(asked.graceMs)],
    ['Request timeout', duration(asked.timeoutMs)],
    ['A stop took', `${duration(totals.shutdownMs.median)} (median), ${duration(totals.shutdownMs.max)} at most`],
    [
      'Requests',
      html`<ul>
        ${asked.requests.map(({ name, share }) => html`<li><code>${name}</code> ${percent(share)}</li>`)}
      </ul>`,
    ],
  ];
  return html`<section aria-labelledby="settings">
    <h2 id="settings">Settings</h2>
    <dl class="settings">
      ${entries.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </section> `;
}
