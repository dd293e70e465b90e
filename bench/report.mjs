import { hotPathTable } from './hot-path.mjs';
import { fixed, table } from './statistics.mjs';
import { titleOf } from './variants.mjs';

/** The results as markdown. */
export function markdown(results) {
  const { machine, seconds, isQuick } = results;
  return [
    '# Bench',
    `${isQuick ? 'A quick run, which shows that everything runs and no more. ' : ''}Node ${machine.node}, ${machine.platform}, ${machine.cpu}; server and client ${
      machine.isPinned ? 'pinned to a core each' : 'not pinned'
    }; ${seconds} s. Compare within a table, not across.`,
    ...(results.startup ? startup(results.startup) : []),
    ...(results.hotPath ? hotPath(results.hotPath) : []),
    ...(results.cpu ? cpu(results.cpu) : []),
    ...(results.ends ? ends(results) : []),
    ...(results.exit ? exit(results) : []),
    ...(results.closing ? closing(results) : []),
    ...(results.memory ? memory(results) : []),
    '## Goals',
    results.goals.map(goalLine).join('\n'),
    '',
  ].join('\n\n');
}

function startup(rows) {
  return [
    `## Loading the package when Nest is loaded, ms (medians of ${rows[0].repeats})`,
    table(
      ['', 'the package', 'a bundle of the same modules', 'package × bundle'],
      rows.map(({ name, packageMs, bundleMs, ratio }) => [
        name,
        fixed(packageMs, 1),
        fixed(bundleMs, 1),
        `**${fixed(ratio, 2)}**`,
      ]),
    ),
  ];
}

function hotPath(rows) {
  return [...new Set(rows.map(({ framework }) => framework))].flatMap((framework) => [
    `## Hot path: server CPU, hello world on ${framework}, all in one process`,
    hotPathTable(rows.filter((row) => row.framework === framework)),
  ]);
}

function cpu(rows) {
  const frameworks = [...new Set(rows.map(({ framework }) => framework))];
  return frameworks.flatMap((framework) => [
    `## Server CPU and throughput, hello world on ${framework}`,
    table(
      ['', 'CPU × bare', 'of single rounds', 'CPU, µs a request', 'throughput × bare', 'requests a second'],
      rows
        .filter((row) => row.framework === framework)
        .map((row) => [
          titleOf(row.name),
          `**${fixed(row.cpuRatio, 3)}**`,
          `${fixed(Math.min(...row.cpuRatioOfRounds), 3)}–${fixed(Math.max(...row.cpuRatioOfRounds), 3)}`,
          fixed(row.cpuUsPerRequest, 1),
          fixed(row.throughputRatio, 3),
          fixed(row.requestsPerSecond, 0),
        ]),
    ),
  ]);
}

function ends({ ends, frameworks }) {
  const row = (ending, variant) => ends.find((each) => each.ending === ending && each.variant === variant);
  return [
    `## Last response → end, ms (${frameworks.ends}, one keep-alive client)`,
    table(
      [
        '',
        'head unsent: → drain promise',
        '→ close() resolved',
        'SIGTERM: → exit',
        'head sent: → drain promise',
        '→ close() resolved',
        'SIGTERM: → exit',
      ],
      [...new Set(ends.map(({ variant }) => variant))].map((variant) => [
        titleOf(variant),
        ...['held', 'begun'].flatMap((ending) => {
          const { drainMs, closeMs, exitMs } = row(ending, variant);
          return [drainMs, closeMs, exitMs].map((value) => milliseconds(value));
        }),
      ]),
    ),
  ];
}

function exit({ exit, frameworks }) {
  return [
    `## Idle application, SIGTERM → exit, ms (${frameworks.others})`,
    table(
      ['', 'median', 'slowest'],
      exit.map(({ variant, exitMs, slowestMs }) => [titleOf(variant), milliseconds(exitMs), milliseconds(slowestMs)]),
    ),
  ];
}

function closing({ closing, frameworks }) {
  const counts = [...new Set(closing.map(({ count }) => count))];
  const row = (count, variant) => closing.find((each) => each.count === count && each.variant === variant);
  return [
    `## Closing idle keep-alive connections: close() → resolved, and the longest stall of the event loop, ms (${frameworks.others})`,
    table(
      ['', ...counts.flatMap((count) => [`${fixed(count, 0)} connections`, 'stall'])],
      [...new Set(closing.map(({ variant }) => variant))].map((variant) => [
        titleOf(variant),
        ...counts.flatMap((count) => [milliseconds(row(count, variant).ms), milliseconds(row(count, variant).stallMs)]),
      ]),
    ),
  ];
}

function memory({ memory, frameworks }) {
  const bare = memory.find(({ variant }) => variant === 'bare') ?? memory[0];
  return [
    `## Live heap, bytes (${frameworks.others})`,
    table(
      ['', 'an idle connection', 'over bare', 'a request in flight, with its connection', 'over bare'],
      memory.map((row) => [
        titleOf(row.variant),
        fixed(row.bytesPerConnection, 0),
        fixed(row.bytesPerConnection - bare.bytesPerConnection, 0),
        fixed(row.bytesPerRequest, 0),
        fixed(row.bytesPerRequest - bare.bytesPerRequest, 0),
      ]),
    ),
  ];
}

function goalLine({ name, value, goal, verdict, why }) {
  return `- ${verdict}: ${name}: ${value}, goal ≤ ${goal}${why ? ` (${why})` : ''}`;
}

function milliseconds(value) {
  return value === null || value === Infinity ? '> 20,000' : fixed(value, value < 10 ? 1 : 0);
}
