/**
 * All kinds of connections mixed, at length: the cells of test/balancer/mixed.test.ts with three replicas and more
 * clients. Writes its figures to bench/mixed.json and bench/mixed.md after every roll, and goes on where it was
 * stopped, as long as the figures are of the same code.
 *
 *     node scripts/soak-mixed.mjs [--rolls 4] [--minutes 60] [--only <part of a name>] [--fresh] [--out bench]
 *
 * --rolls    how often each cell is rolled
 * --minutes  begins no further roll after this long
 * --only     runs the cells whose names have this in them
 * --fresh    forgets what was measured before
 * --out      where the figures go
 *
 * Needs haproxy and nginx (Debian: apt-get install -y haproxy nginx). Exits with 1 when something was lost, when a
 * control lost none of a kind, or when a shutdown was not clean.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addCounts, compileHarness, count, median, row, seconds, versionOf, writeFigures } from './soak-tools.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
    fresh: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench' },
  },
});
const wantedRolls = Number(values.rolls);
const endsAt = performance.now() + Number(values.minutes) * 60_000;

const support = await compileHarness();
const { nameOfMixed, runMixedCell } = await support('mixed/mixed-cell');
const { mixedBalancers, mixedControlCell, mixedSoakCell } = await support('mixed/mixed-matrix');
const { isInstalled } = await support('installed');
const { withSystemPaths } = await support('server-process');
const { takeSnapshot } = await support('snapshot');

for (const program of ['haproxy', 'nginx']) {
  if (isInstalled(program)) continue;
  console.error(`${program} was not found (Debian: apt-get install -y haproxy nginx).`);
  process.exit(2);
}

const snapshot = takeSnapshot();
const results = readResults();
const balancers = mixedBalancers.filter((balancer) => balancer.includes(values.only));

for (const balancer of balancers) {
  if (!results.control[balancer] && isTime()) await measure('control', balancer, mixedControlCell(balancer));
}
// In turns, so that a moment in which the machine is busy with something else falls on all of them.
for (let roll = 1; roll <= wantedRolls; roll++) {
  for (const balancer of balancers) {
    if ((results.rolling[balancer]?.rolls ?? 0) < roll && isTime()) {
      await measure('rolling', balancer, mixedSoakCell(balancer));
    }
  }
}
snapshot.remove();
await write();

const complaints = [...complaintsAbout(results)];
for (const complaint of complaints) console.error(complaint);
const missing = mixedBalancers.filter((balancer) => (results.rolling[balancer]?.rolls ?? 0) < wantedRolls);
console.log(missing.length === 0 ? 'Every cell has its figures.' : `Still to be rolled: ${missing.join(', ')}.`);
process.exitCode = complaints.length > 0 ? 1 : 0;

/** One roll of the cell, added to what is known of it. */
async function measure(group, balancer, cell) {
  const result = await runMixedCell(cell, snapshot.mixed);
  results[group][balancer] = added(results[group][balancer], figuresOf(cell, result));
  console.log(`${nameOfMixed(cell)}: ${result.failed} failed`);
  if (group === 'rolling' && result.failed > 0) {
    console.error(result.story);
    writeFileSync('.cache/soak-failures.log', `mixed, ${nameOfMixed(cell)}\n${result.story}\n`, { flag: 'a' });
  }
  await write();
}

function figuresOf({ manner }, { kinds, shutdowns }) {
  return {
    rolls: 1,
    kinds: Object.fromEntries(kinds.map((report) => [report.kind, figuresOfKind(report)])),
    shutdowns: shutdowns.map(({ ms, killed, report, lateQueries }) => ({
      ms: Math.round(ms),
      ...(manner === 'with' ? { clean: report?.clean ?? false, refused: report?.refused } : { killed }),
      lateQueries,
    })),
  };
}

function figuresOfKind({ right, failed, mishaps, noted, p99Ms, slowestMs }) {
  const failures = mishaps.reduce((sum, { how }) => addCounts(sum, { [how]: 1 }), {});
  return { right, failed, failures, noted, p99Ms: Math.round(p99Ms), slowestMs: Math.round(slowestMs) };
}

function added(before, now) {
  if (!before) return now;
  const kinds = Object.entries(now.kinds).map(([kind, each]) => {
    const known = before.kinds[kind];
    return [
      kind,
      {
        right: known.right + each.right,
        failed: known.failed + each.failed,
        failures: addCounts(known.failures, each.failures),
        noted: addCounts(known.noted, each.noted),
        p99Ms: Math.max(known.p99Ms, each.p99Ms),
        slowestMs: Math.max(known.slowestMs, each.slowestMs),
      },
    ];
  });
  return {
    rolls: before.rolls + now.rolls,
    kinds: Object.fromEntries(kinds),
    shutdowns: [...before.shutdowns, ...now.shutdowns],
  };
}

function* complaintsAbout({ rolling, control }) {
  for (const [balancer, { kinds, shutdowns }] of Object.entries(rolling)) {
    for (const [kind, { failed }] of Object.entries(kinds))
      if (failed > 0) yield `${balancer}: ${kind} lost ${failed}.`;
    if (shutdowns.some(({ clean }) => !clean)) yield `${balancer} had a shutdown that was not clean.`;
    if (shutdowns.some(({ lateQueries }) => lateQueries > 0))
      yield `${balancer} used its database after it was closed.`;
  }
  for (const [kind, losers] of Object.entries(lostWithout(control))) {
    if (losers.length === 0) yield `Without nestjs-drain ${kind} lost none: it is void.`;
  }
}

/** By kind: the balancers behind which some of it was lost without nestjs-drain. */
function lostWithout(control) {
  const losers = {};
  for (const [balancer, { kinds }] of Object.entries(control)) {
    for (const [kind, { failed }] of Object.entries(kinds)) {
      losers[kind] ??= [];
      if (failed > 0) losers[kind].push(balancer);
    }
  }
  return losers;
}

function readResults() {
  const file = join(values.out, 'mixed.json');
  const settings = {
    fingerprint: snapshot.fingerprint,
    crowd: mixedSoakCell(mixedBalancers[0]).crowd,
    node: process.version,
    haproxy: versionOf('haproxy', /version (\S+)/, withSystemPaths),
    nginx: versionOf('nginx', /nginx\/(\S+)/, withSystemPaths),
    cores: cpus().length,
  };
  const before = !values.fresh && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  if (before && JSON.stringify(before.settings) === JSON.stringify(settings)) return before;
  if (before) console.log('What was measured before is of other code or another machine, and is not kept.');
  return { settings, rolling: {}, control: {} };
}

function write() {
  return writeFigures(values.out, 'mixed', results, described(results));
}

function described({ settings, rolling, control }) {
  const { node, haproxy, nginx, cores, crowd, fingerprint } = settings;
  return `# Rolling restarts with all kinds of connections mixed

\`node scripts/soak-mixed.mjs\` measures this and writes it here (\`bench/mixed.json\` has every shutdown). Node ${node}, HAProxy ${haproxy}, nginx ${nginx}, ${cores} cores that everything
shares, over loopback. The code measured has the fingerprint \`${fingerprint}\`.

## Method

One application on one port with TLS (Fastify with \`http2: true\` and \`allowHTTP1\`, \`WsAdapter\`, \`@Sse()\`), with nestjs-drain and its default options. Each of three replicas is replaced while all
kinds of clients go on at the same time: the successor is taken in, the old one gets SIGTERM, and the next follows when it has exited. All clients are strict:

- **HTTP/1.1**, ${crowd.requests} clients on kept connections: quick and slow (0.3 s) requests. No retries; a kept connection that turns out to be closed is a failure.
- **HTTP/2**, ${crowd.requests} clients with one session and two streams each. A session that is told to leave gets no new stream and is replaced. A stream that was refused, which means not executed, is sent once
  more on a new session and has to be answered there; such streams are counted apart. Anything else, a session that ends without a word included, is a failure.
- **uploads** (640 kB in ten pieces over 1.1 s) and **downloads** (8 MB, over HTTP/2 2 MB, given and read in 1.5 s) over both, ${crowd.uploads} and ${crowd.downloads} clients each, compared by SHA-256.
- **events** over both, ${crowd.events} readers each: one event every 100 ms, numbered. A stream has to end whole (terminal chunk, END_STREAM); its reader comes back at once with \`Last-Event-ID\`, and no number may be
  missing or come twice. *p99* is from the moment an event was due.
- **WebSocket**, ${crowd.sockets} clients, a message every ${crowd.thinkMs} ms whose handler takes up to 0.3 s. The close code has to be 1001. A message that had no reply when the connection closed is sent again on
  the next one; the replicas write down every handler that starts, and a message that was executed twice is a lost reply.

| balancer | how it is set up |
|---|---|
| tcp-balancer | built in, carries TLS; leaves a replica 500 ms after its readiness has failed |
| haproxy-tcp | carries TLS; checks readiness every 500 ms, \`fall 2\`, \`retries 0\` |
| haproxy-http | HTTP/1.1 and HTTP/2 over TLS to the clients, HTTP/1.1 over TLS to the replicas; the same checks, \`retries 0\`, no redispatch. Its HTTP/2 sessions are its own and outlive the replicas, and it ends a stream with END_STREAM even where a replica was killed in the middle of it: events over HTTP/2 cannot be lost there, only their numbers |
| nginx | HTTP/1.1 and WebSocket to the clients, HTTP/1.1 over TLS to the replicas, unbuffered; reloaded by a controller that probes every 250 ms; \`proxy_next_upstream off\`. It speaks no HTTP/2 to replicas, so HTTP/2 is left out |

## Figures

*Apart* counts what is no failure: refused streams that were answered on a second session, and messages that crossed a close frame and were sent again. *Told* counts sessions and
WebSockets that were told to leave, and streams of events that ended. The last column is the same application without nestjs-drain, rolled once (two replicas, fewer clients): what failed, of all.

| balancer | kind | right | failed | apart | told | p99 | slowest | without nestjs-drain |
|---|---|--:|--:|--:|--:|--:|--:|--:|
${Object.entries(rolling)
  .flatMap(([balancer, { kinds }]) =>
    Object.entries(kinds).map(([kind, each]) => {
      const without = control[balancer]?.kinds[kind];
      return row(
        balancer,
        kind,
        count(each.right),
        count(each.failed) + kindsOf(each.failures),
        count(each.noted.refused ?? each.noted['crossed the close frame, sent again'] ?? 0),
        count(each.noted['told to leave'] ?? each.noted['clean ends'] ?? 0),
        seconds(each.p99Ms),
        seconds(each.slowestMs),
        without ? `${count(without.failed)} of ${count(without.right + without.failed)}` : '',
      );
    }),
  )
  .join('\n')}

## Shutdowns

| balancer | rolls | shutdowns | median | longest | not clean | killed without nestjs-drain |
|---|--:|--:|--:|--:|--:|--:|
${Object.entries(rolling)
  .map(([balancer, { rolls, shutdowns }]) => {
    const times = shutdowns.map(({ ms }) => ms);
    const without = control[balancer]?.shutdowns ?? [];
    return row(
      balancer,
      rolls,
      shutdowns.length,
      seconds(median(times)),
      seconds(Math.max(...times)),
      shutdowns.filter(({ clean }) => !clean).length,
      `${without.filter(({ killed }) => killed).length} of ${without.length}`,
    );
  })
  .join('\n')}

A lame duck takes 5 s at least. Without nestjs-drain a replica is killed 2 s after its signal.
`;
}

function kindsOf(failures) {
  const kinds = Object.entries(failures).map(([how, times]) => `${how} ${times}`);
  return kinds.length > 0 ? ` (${kinds.join(', ')})` : '';
}

function isTime() {
  return performance.now() < endsAt;
}
