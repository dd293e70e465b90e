import { comparisonOf } from '../comparison.js';
import { type DrillResult, type FailureEntry, type Quantiles, type ReplicaTimeline, type Roll } from '../result.js';
import { count, duration, listOfFailures, percent, plural, span } from '../words.js';

const width = 80;

/**
 * The result for a terminal: the verdict, the figures, the advice; at most 80 columns where words allow.
 *
 * @param before an earlier result, which is put beside this one
 */
export function textOf(result: DrillResult, before?: DrillResult): string {
  const parts = [wrap(result.verdict), figuresOf(result), rollsOf(result), latencyOf(result)];
  if (before) parts.splice(1, 0, comparisonText(before, result));
  if (result.advice.length > 0) parts.push(adviceOf(result));
  const own = ownAdviceOf(result);
  if (own.length > 0)
    parts.push(['nestjs-drain itself advises', ...own.map((each) => wrap(each, '  - ', '    '))].join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** Two results beside each other: figures in columns. */
export function comparisonText(before: DrillResult, result: DrillResult): string {
  const { titles, rows } = comparisonOf(before, result);
  return table([['', ...titles.map((title) => (title.length > 24 ? `${title.slice(0, 23)}…` : title))], ...rows]);
}

function figuresOf({ settings, durationMs, totals, rolls }: DrillResult): string {
  const { requests, failed, repeated = 0, lossUpperBound, shutdownMs, killed } = totals;
  const ended = rolls.flatMap(({ replicas }) => replicas).filter(({ exitedAtMs }) => exitedAtMs !== undefined);
  const shutdowns = ended.filter(({ diedAlone }) => !diedAlone);
  const rows = [
    [
      'requests',
      `${count(requests)}, ${rateOf(settings.ratePerSecond, totals.achievedRate)} for ${duration(durationMs)}`,
    ],
    ['failed', `${count(failed)}${failed > 0 ? ` (${percent(failed / requests)})` : ''}`],
    ...(repeated > 0 ? [['sent again', `${count(repeated)}, refused unseen at first`]] : []),
    ['loss rate', `at most ${percent(lossUpperBound)}, with 95 % confidence`],
    [
      'shutdowns',
      `${count(shutdowns.length)}, median ${duration(shutdownMs.median)}, longest ${duration(shutdownMs.max)}`,
    ],
    ['SIGKILL', killed === 0 ? 'not needed' : `needed for ${plural(killed, 'replica')}`],
  ];
  const ends = endsOf(ended);
  if (ends) rows.push(['ends', ends]);
  const servers = answersOf(rolls);
  if (servers) rows.push(['answered by', servers]);
  const reports = reportsOf(shutdowns);
  if (reports) rows.push(['nestjs-drain', reports]);
  return rows.map(([name = '', value = '']) => wrap(value, `  ${name.padEnd(14)}`, ' '.repeat(16))).join('\n');
}

/** What was asked for, and what came of it when that is something else. */
function rateOf(asked: number, achieved: number): string {
  return achieved > 0 && achieved < asked * 0.98
    ? `${count(achieved)} a second (${count(asked)} were asked for)`
    : `${count(asked)} a second`;
}

/** How replicas ended otherwise than with exit code 0 or the signal they were sent. */
function endsOf(ended: readonly ReplicaTimeline[]): string | undefined {
  const odd = ended.filter(({ diedAlone, exitCode }) => diedAlone || (exitCode ?? 0) !== 0);
  const said = odd.map(({ name, diedAlone, exitCode, exitSignal }) => {
    const end = exitSignal ?? `exit code ${exitCode ?? 'unknown'}`;
    return `${name} ${diedAlone ? 'by itself, with' : 'with'} ${end}`;
  });
  if (said.length === 0) return undefined;
  return `${said.slice(0, 3).join(', ')}${said.length > 3 ? ` and ${count(said.length - 3)} more` : ''}`;
}

/** How the answers are spread over the replicas. */
function answersOf(rolls: readonly Roll[]): string | undefined {
  const answered = new Map<string, number>();
  for (const { name, answered: number } of rolls.flatMap(({ replicas }) => replicas)) {
    if (number !== undefined) answered.set(name, (answered.get(name) ?? 0) + number);
  }
  if (answered.size === 0) return undefined;
  const numbers = [...answered.values()];
  return `${plural(answered.size, 'replica')}, ${count(Math.min(...numbers))} to ${count(Math.max(...numbers))} each`;
}

/** What the applications said of their own ends. */
function reportsOf(shutdowns: readonly { readonly report?: unknown }[]): string | undefined {
  const outcomes = shutdowns.flatMap(({ report }) => {
    const { outcome } = (report ?? {}) as { outcome?: unknown };
    return typeof outcome === 'string' ? [outcome] : [];
  });
  if (outcomes.length === 0) return undefined;
  return [...new Set(outcomes)]
    .map((outcome) => `${count(outcomes.filter((each) => each === outcome).length)} ${outcome}`)
    .join(', ');
}

function rollsOf({ rolls, failures }: DrillResult): string {
  const rows = rolls.map((roll) => {
    const own = failures.filter(({ atMs }) => atMs >= roll.startedAtMs && atMs < roll.endedAtMs);
    const { length } = roll.samples.dueAtMs;
    return [
      duration(roll.lagMs),
      count(roll.round),
      count(length),
      count(lossesOf(roll)),
      whenOf(own),
      listOfFailures(own),
    ];
  });
  return table([['lag', 'round', 'requests', 'failed', 'after the signal', 'how'], ...rows]);
}

function lossesOf({ samples: { outcome, outcomes } }: Roll): number {
  return outcome.filter((index) => outcomes[index] !== 'ok').length;
}

function whenOf(failures: readonly FailureEntry[]): string {
  const moments = failures.flatMap(({ sinceSignalMs }) =>
    sinceSignalMs === undefined || sinceSignalMs < 0 ? [] : [sinceSignalMs],
  );
  return moments.length > 0 ? span(moments) : '';
}

function latencyOf({ totals: { latency } }: DrillResult): string {
  const row = (name: string, { count: number, p50Ms, p95Ms, p99Ms, maxMs }: Quantiles): string[] => [
    name,
    count(number),
    ...[p50Ms, p95Ms, p99Ms, maxMs].map(duration),
  ];
  return table([
    ['latency', 'answers', 'p50', 'p95', 'p99', 'max'],
    row('a replica stops', latency.duringRolls),
    row('otherwise', latency.between),
  ]);
}

function adviceOf({ advice }: DrillResult): string {
  return advice
    .map(({ code, finding, fix }) => `${code}\n${wrap(finding, '  ')}\n${wrap(fix, '  → ', '    ')}`)
    .join('\n\n');
}

/** What the reports of nestjs-drain say, each once. */
function ownAdviceOf({ rolls }: DrillResult): string[] {
  const said = rolls
    .flatMap(({ replicas }) => replicas)
    .flatMap(({ report }) => (report as { advice?: unknown } | undefined)?.advice ?? []);
  return [...new Set(said.filter((each): each is string => typeof each === 'string'))];
}

/** Columns as wide as they need to be. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at]! + 2)).join('')}`.trimEnd()).join('\n');
}

function wrap(text: string, first = '', next = first): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
