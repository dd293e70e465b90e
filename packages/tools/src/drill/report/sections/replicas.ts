import { count, duration, instant } from '../format.js';
import { html, type Content, type Markup } from '../html.js';
import { endOf } from '../lanes.js';
import { titleOf } from './rolls.js';
import { table } from './table.js';
import { type DrillSettings, type ReplicaTimeline, type Roll } from '../../result.js';

/** What each replica did, and what the application itself reported about it. */
export function replicas(roll: Roll, { signal }: DrillSettings, outputLength: number): Markup {
  const columns = [
    { title: 'Replica' },
    { title: 'Ready after', isNumber: true },
    { title: signal, isNumber: true },
    { title: 'Not ready', isNumber: true },
    { title: 'Out of rotation', isNumber: true },
    { title: 'Stopped in', isNumber: true },
    { title: 'End' },
    { title: 'What it reported' },
  ];
  const printed = roll.replicas.filter(({ output }) => output);
  return html`<div class="replicas">
    <h4>Replicas</h4>
    ${table(
      `${titleOf(roll)}: replicas`,
      columns,
      roll.replicas.map((replica) => row(replica, roll.startedAtMs)),
    )}
    <p class="note">${signal} on the clock of the roll; not ready and out of rotation counted from it.</p>
    ${printed.map(
      ({ name, output }) =>
        html`<details>
          <summary>The end of what ${name} printed</summary>
          <pre tabindex="0"><code>${endOfText(output ?? '', outputLength)}</code></pre>
        </details>`,
    )}
  </div> `;
}

function row(replica: ReplicaTimeline, origin: number): readonly Content[] {
  const { name, startedAtMs, readyAtMs, signalledAtMs, unreadyAtMs, outOfRotationAtMs, exitedAtMs, wasKilled } =
    replica;
  const since = (atMs?: number): string =>
    signalledAtMs === undefined || atMs === undefined ? '–' : signed(atMs - signalledAtMs);
  return [
    name,
    duration((readyAtMs ?? NaN) - startedAtMs),
    instant((signalledAtMs ?? NaN) - origin),
    since(unreadyAtMs),
    since(outOfRotationAtMs),
    duration((exitedAtMs ?? NaN) - (signalledAtMs ?? NaN)),
    wasKilled ? html`<strong class="bad">killed (SIGKILL)</strong>` : endOf(replica),
    reported(replica.report),
  ];
}

function endOfText(text: string, length: number): string {
  return text.length <= length ? text : `… ${text.slice(-length)}`;
}

function signed(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${duration(Math.abs(ms))}`;
}

/** The report comes from the application, and may be anything. */
function reported(report: unknown): Content {
  if (typeof report !== 'object' || report === null) return report === undefined ? '–' : 'a report of another form';
  const { outcome, clean, refused, leftovers, inFlight } = report as Readonly<Record<string, unknown>>;
  const said: string[] = [];
  if (typeof outcome === 'string') said.push(outcome);
  if (clean === false) said.push('not clean');
  const finished = (inFlight as { finished?: unknown } | undefined | null)?.finished;
  if (typeof finished === 'number') said.push(`${count(finished)} in flight finished`);
  if (typeof refused === 'number') said.push(`${count(refused)} refused`);
  if (Array.isArray(leftovers) && leftovers.length > 0) said.push(`${count(leftovers.length)} left over`);
  return said.length > 0 ? said.join(', ') : 'a report of another form';
}
