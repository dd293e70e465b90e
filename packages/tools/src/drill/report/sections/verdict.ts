import { calendarTime, count, countOf, duration, percent } from '../format.js';
import { html, type Markup } from '../html.js';
import { type DrillResult, type DrillSettings } from '../../result.js';

/** What it comes to, in a few words. */
export function headlineOf({ conclusion, totals }: DrillResult): string {
  const { requests, failed, killed, diedAlone, unseenSignals } = totals;
  if (failed > 0) return `${count(failed)} of ${countOf(requests, 'request')} lost`;
  if (diedAlone > 0) return `${countOf(diedAlone, 'replica')} died`;
  if (killed > 0) return `${countOf(killed, 'replica')} killed`;
  if (unseenSignals > 0) return 'Signal not seen';
  if (conclusion === 'not-known') return 'Too little to say';
  return conclusion === 'failed' ? 'Answers too slow' : 'Nothing lost';
}

const badges = { passed: 'Passed', failed: 'Failed', 'not-known': 'Not known' } as const;

/** What everybody reads, and the sentence it stands for. */
export function verdict(result: DrillResult): Markup {
  const { settings, startedAt, conclusion, about, partial } = result;
  const isGood = conclusion === 'passed';
  return html`<header class="verdict ${isGood ? 'good' : 'bad'}">
    <p class="badge">${isGood ? tick : cross}${badges[conclusion]}${partial ? ', partial' : ''}</p>
    <h1>${about.title === undefined ? '' : html`<span class="title">${about.title}</span> `}${headlineOf(result)}</h1>
    <p class="lead">${result.verdict}</p>
    <p class="eyebrow">
      ${headOf(result).map((each) => html`<span>${each}</span> `)}<time datetime="${startedAt}"
        >${calendarTime(startedAt)}</time
      >
    </p>
    <p class="command"><code>${commandOf(settings)}</code></p>
  </header> `;
}

/** What was drilled, and how, so that two reports can be told apart. */
function headOf({ about, settings, totals }: DrillResult): string[] {
  const { service, serviceVersion, commit, node, nest, drain } = about;
  const versions = [
    ['commit', commit],
    ['Node', node],
    ['Nest', nest],
    ['nestjs-drain', drain],
  ].flatMap(([name, version]) => (version === undefined ? [] : [`${name}\u00a0${version}`]));
  return [
    ...(service === undefined ? [] : [serviceVersion === undefined ? service : `${service}\u00a0${serviceVersion}`]),
    `${count(totals.achievedRate)}\u00a0requests a second`,
    settings.attach ? 'attached' : (settings.reload ?? settings.preset),
    ...versions,
  ];
}

function commandOf({ command, attach, reload }: DrillSettings): string {
  if (attach) return `${attach.url}, while: ${attach.during}`;
  return reload === undefined ? command.join(' ') : `${command.join(' ')}, reloaded with: ${reload}`;
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
