/**
 * `npm run soak`: the whole matrix of test/balancer at length. Writes its figures to bench/soak.json and bench/soak.md
 * after every roll, and goes on where it was stopped: a cell that has enough of its figures is passed over, as long as
 * they are of the same code.
 *
 *     node scripts/soak.mjs [--requests 100000] [--clients 40] [--think-ms 25] [--minutes 240] [--only <part of a
 * name>] [--fresh] [--out bench]
 *
 * --requests  a cell of the rolling restart rolls again and again until it has asked this many (the lag sweep rolls
 * once a cell) --clients   how many ask in a cell of the rolling restart --think-ms  the pause of a client between two
 * requests, which decides how busy the machine is --minutes   begins no further roll after this long --only      runs
 * the cells whose names have this in them --fresh     forgets what was measured before --out       where the figures go
 *
 * Needs haproxy and nginx (Debian: apt-get install -y haproxy nginx). Exits with 1 when a request was lost, when a
 * control lost none, or when a shutdown took too long.
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
    requests: { type: 'string', default: '100000' },
    clients: { type: 'string', default: '40' },
    'think-ms': { type: 'string', default: '25' },
    minutes: { type: 'string', default: '240' },
    only: { type: 'string', default: '' },
    fresh: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench' },
  },
});
const wanted = {
  requests: Number(values.requests),
  thinkMs: Number(values['think-ms']),
  clients: Number(values.clients),
};
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const sweepAtOnce = 3;

const support = await compileHarness();
const { nameOf, runCell } = await support('cell');
const { adapters, controlCell, expectedMs, realBalancers, rollingCell, slackMs, sweepInFull } = await support('matrix');
const { inParallel } = await support('rounds');
const { isInstalled } = await support('installed');
const { reloadWithoutRolling } = await support('reload-control');
const { withSystemPaths } = await support('server-process');
const { takeSnapshot } = await support('snapshot');

for (const program of ['haproxy', 'nginx']) {
  if (!isInstalled(program)) fail(`${program} was not found (Debian: apt-get install -y haproxy nginx).`);
}

const snapshot = takeSnapshot();
const results = readResults();
const isDue = (name) => name.includes(values.only);

const rolling = realBalancers.flatMap((balancer) => adapters.map((adapter) => ({ balancer, adapter })));
for (const { balancer, adapter } of rolling) {
  const cell = rollingCell(balancer, adapter, wanted.thinkMs, wanted.clients);
  const name = nameOf(cell);
  while (isDue(name) && (results.rolling[name]?.requests ?? 0) < wanted.requests && isTime()) {
    await measure('rolling', name, cell);
  }
  const control = controlCell(balancer, adapter);
  const controlName = nameOf(control);
  if (isDue(controlName) && !results.control[controlName] && isTime()) await measure('control', controlName, control);
}

for (const adapter of adapters) {
  const name = `nginx × ${adapter}, reloads alone`;
  if (!isDue(name) || results.reloads[name] || !isTime()) continue;
  const { requests, failed, failuresByKind } = await reloadWithoutRolling(adapter, snapshot.main);
  results.reloads[name] = { requests, failed, failuresByKind };
  say(`${name}: ${requests} requests, ${failed} failed`);
  await write();
}

const swept = sweepInFull.filter((cell) => isDue(nameOf(cell)) && !results.sweep[nameOf(cell)]);
const outcomes = await inParallel(swept, sweepAtOnce, async (cell) => {
  if (isTime()) await measure('sweep', nameOf(cell), cell);
});
for (const { reason } of outcomes.filter(({ status }) => status === 'rejected')) console.error(reason);
snapshot.remove();
await write();

const complaints = [...complaintsAbout(results)];
const missing = missingFrom(results);
for (const complaint of complaints) console.error(complaint);
say(missing === 0 ? 'Every cell has its figures.' : `${missing} cells are still to be measured: run this again.`);
process.exitCode = complaints.length > 0 || outcomes.some(({ status }) => status === 'rejected') ? 1 : 0;

/** One roll of the cell, added to what is known of it. */
async function measure(group, name, cell) {
  const result = await runCell(cell, snapshot.main);
  results[group][name] = added(results[group][name], figuresOf(cell, result));
  const { requests, failed } = results[group][name];
  say(`${name}: ${count(requests)} requests, ${failed} failed`);
  if (group !== 'control' && result.failed > 0) {
    console.error(result.story);
    writeFileSync('.cache/soak-failures.log', `${name}\n${result.story}\n`, { flag: 'a' });
  }
  await write();
}

function figuresOf(cell, { requests, failed, failuresByKind, connections, p99Ms, slowestMs, shutdowns }) {
  return {
    requests,
    failed,
    failuresByKind,
    connections,
    p99Ms: Math.round(p99Ms),
    slowestMs: Math.round(slowestMs),
    rolls: 1,
    shutdowns: shutdowns.map((shutdown) => ({
      ms: Math.round(shutdown.ms),
      ...(cell.lagMs === undefined ? {} : { expectedMs: Math.round(expectedMs(cell, shutdown)) }),
      ...(cell.manner === 'with' ? { clean: shutdown.report?.clean ?? false } : { killed: shutdown.killed }),
      lateQueries: shutdown.lateQueries,
    })),
  };
}

function added(before, now) {
  if (!before) return now;
  return {
    requests: before.requests + now.requests,
    failed: before.failed + now.failed,
    failuresByKind: addCounts(before.failuresByKind, now.failuresByKind),
    connections: before.connections + now.connections,
    p99Ms: Math.max(before.p99Ms, now.p99Ms),
    slowestMs: Math.max(before.slowestMs, now.slowestMs),
    rolls: before.rolls + now.rolls,
    shutdowns: [...before.shutdowns, ...now.shutdowns],
  };
}

function* complaintsAbout({ rolling, control, reloads, sweep }) {
  for (const [name, { failed, shutdowns = [] }] of Object.entries({ ...rolling, ...reloads, ...sweep })) {
    if (failed > 0) yield `${name} lost ${failed}.`;
    if (shutdowns.some(({ clean }) => !clean)) yield `${name} had a shutdown that was not clean.`;
    if (shutdowns.some(({ lateQueries }) => lateQueries > 0)) yield `${name} used its database after it was closed.`;
    if (shutdowns.some((each) => each.ms >= each.expectedMs + slackMs)) yield `${name} took too long to shut down.`;
  }
  for (const [name, { failed }] of Object.entries(control)) if (failed === 0) yield `${name} lost none: it is void.`;
}

function missingFrom({ rolling: rolled, control, reloads, sweep }) {
  const enough = Object.values(rolled).filter(({ requests }) => requests >= wanted.requests).length;
  const have = enough + Object.keys(control).length + Object.keys(reloads).length + Object.keys(sweep).length;
  return 2 * rolling.length + adapters.length + sweepInFull.length - have;
}

function readResults() {
  const file = join(values.out, 'soak.json');
  const settings = {
    fingerprint: snapshot.fingerprint,
    thinkMs: wanted.thinkMs,
    clients: wanted.clients,
    node: process.version,
    haproxy: versionOf('haproxy', /version (\S+)/, withSystemPaths),
    nginx: versionOf('nginx', /nginx\/(\S+)/, withSystemPaths),
    cores: cpus().length,
  };
  const before = !values.fresh && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  if (before && JSON.stringify(before.settings) === JSON.stringify(settings)) return before;
  if (before) say('What was measured before is of other code or another machine, and is not kept.');
  return { settings, rolling: {}, control: {}, reloads: {}, sweep: {} };
}

function write() {
  return writeFigures(values.out, 'soak', results, described(results));
}

function described({ settings, rolling: rolled, control, reloads, sweep }) {
  const { node, haproxy, nginx, cores, thinkMs, clients, fingerprint } = settings;
  return `# Rolling restarts at length

\`npm run soak\` measures this and writes it here (\`bench/soak.json\` has every shutdown). Node ${node}, HAProxy ${haproxy}, nginx ${nginx}, ${cores} cores
that everything shares, over loopback. The code measured has the fingerprint \`${fingerprint}\`.

## Method

An application with nestjs-drain and its default options, Terminus health checks, and a database that throws when it is used after \`onModuleDestroy\`. ${clients}
keep-alive clients ask for quick, slow (0.4 s), streaming (0.4 s), large (256 kB) and POST requests, ${thinkMs} ms apart, check every answer to its last byte and
repair nothing: no retries, and a kept connection that turns out to be closed is a failure. Meanwhile each of three replicas is replaced as Kubernetes does with
\`maxSurge: 1\`: the successor is taken in, the old one gets SIGTERM, and the next follows when it has exited. A cell is rolled until it has asked its share of requests.

- HAProxy checks \`/health/ready\` every 500 ms and takes a replica out with the second check that fails; \`retries 0\`, no redispatch.
- nginx does not check: a controller probes every 250 ms and reloads nginx 250 ms after a probe has failed. \`proxy_next_upstream off\`; connections to the replicas
  are kept, those to the clients are not (\`keepalive_timeout 0\`), because a reload closes idle ones, which would be nginx's loss.
- The same application without nestjs-drain is rolled once a cell. It has to lose requests, or the figures would say nothing.

## Rolling restart

| cell | requests | failed | shutdowns | shutdown, median (longest) | slowest answer | without nestjs-drain |
|---|--:|--:|--:|--:|--:|--:|
${Object.entries(rolled)
  .map(([name, each]) => {
    const without = control[`${name}, without nestjs-drain`];
    return row(
      name,
      count(each.requests),
      count(each.failed) + kindsOf(each),
      each.shutdowns.length,
      `${seconds(median(each.shutdowns.map(({ ms }) => ms)))} (${seconds(longest(each))})`,
      seconds(each.slowestMs),
      without ? `${count(without.failed)} of ${count(without.requests)}` : '',
    );
  })
  .join('\n')}

nginx reloaded eight times while nothing was rolled: ${
    Object.values(reloads)
      .map(({ requests, failed }) => `${failed} of ${count(requests)} failed`)
      .join(', ') || 'not measured'
  }.

## A balancer that leaves late

Two replicas are rolled once, and the balancer still routes to a replica for the lag after its readiness has failed (HAProxy: checks every 100 ms, \`fall 2\`, the second one after \`fastinter\`, which is the lag).
*Pooled* is 40 keep-alive clients 100 ms apart, *churning* 20 clients with a new connection for every request, *low* 2 requests a second of 2 clients, *low pooled* the same of
10 clients, whose kept connections rest for five seconds at a time. A shutdown has to take max(\`minMs\`, lag + effective quiet), at most \`maxMs\`, plus less than ${seconds(slackMs)};
the last column is the most that any took beyond it. With *low pooled* the lag counts as five seconds at least: a connection that has not been told yet is traffic.

Not in the matrix, because HTTP/1.1 has no word against it: behind a TCP balancer, a kept connection that rests for longer than the lame duck (\`maxMs\`, 10 s) cannot be told to
leave. It is closed unused, and a request that is written at that very moment is lost.

| cell | requests | failed | shutdowns, shortest to longest | beyond |
|---|--:|--:|--:|--:|
${Object.entries(sweep)
  .sort(([one], [other]) => placeOf(one) - placeOf(other))
  .map(([name, each]) =>
    row(
      name,
      count(each.requests),
      count(each.failed) + kindsOf(each),
      `${seconds(Math.min(...each.shutdowns.map(({ ms }) => ms)))} – ${seconds(longest(each))}`,
      seconds(Math.max(0, ...each.shutdowns.map(({ ms, expectedMs }) => ms - expectedMs))),
    ),
  )
  .join('\n')}
`;
}

function placeOf(name) {
  return sweepInFull.findIndex((cell) => nameOf(cell) === name);
}

function kindsOf({ failuresByKind }) {
  const kinds = Object.entries(failuresByKind).map(([kind, times]) => `${kind} ${times}`);
  return kinds.length > 0 ? ` (${kinds.join(', ')})` : '';
}

function longest({ shutdowns }) {
  return Math.max(...shutdowns.map(({ ms }) => ms));
}

function isTime() {
  return performance.now() < endsAt;
}

function say(line) {
  console.log(line);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
