/**
 * `npm run demo`: rolls three replicas of sample/kubernetes-app under load, first without nestjs-drain and then with it,
 * and shows the two side by side. Fails when the run with it lost a request, or when the one without lost none.
 */
import { fileURLToPath } from 'node:url';
import { buildPackage, setupSample } from './setup-sample.mjs';

const sample = 'sample/kubernetes-app';
const replicas = 3;
const clientCount = 40;
/** What readiness and endpoints take to reach every node: a busy cluster needs about a second. */
const lagMs = 1_000;
/** Kubernetes gives 30 s. Less will do here, since a replica without the module uses up whatever it is given. */
const graceMs = 12_000;
const readinessPath = '/health/ready';
const runs = [
  { title: 'without nestjs-drain', entry: 'dist/without-drain/main.js' },
  { title: 'with nestjs-drain', entry: 'dist/main.js' },
];

/** What a shop asks of an orders API: mostly quick reads, some writes, a few things that take their time. */
const mix = [
  {
    name: 'GET /orders',
    method: 'GET',
    path: '/orders',
    weight: 6,
    expect: { status: 200, body: json(({ orders }) => orders.length === 20) },
  },
  {
    name: 'GET /orders/7',
    method: 'GET',
    path: '/orders/7',
    weight: 6,
    expect: { status: 200, body: json(({ id }) => id === 7) },
  },
  {
    name: 'POST /orders',
    method: 'POST',
    path: '/orders',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ item: 'umbrella', quantity: 2, unitCents: 1_250 }),
    weight: 4,
    expect: { status: 201, body: json(({ item, totalCents }) => item === 'umbrella' && totalCents === 2_500) },
  },
  {
    name: 'GET /orders/report',
    method: 'GET',
    path: '/orders/report',
    weight: 2,
    expect: { status: 200, body: json(({ orders }) => orders >= 20) },
  },
  {
    name: 'GET /orders/export',
    method: 'GET',
    path: '/orders/export',
    weight: 2,
    expect: { status: 200, body: isWholeExport },
  },
];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
buildPackage();
setupSample(sample);
const { Replica, rollingRestart, StrictClients, TcpBalancer } = await import('../dist/esm/drill/index.js');

const [without, withModule] = [await roll(runs[0]), await roll(runs[1])];
console.log(`\n${table(without, withModule)}\n`);
console.log(verdict(without, withModule));
process.exit(withModule.failed === 0 && without.failed > 0 ? 0 : 1);

async function roll({ title, entry }) {
  console.log(`\nRolling ${replicas} replicas ${title}, ${clientCount} clients`);
  const balancer = await TcpBalancer.listen({ readinessPath, lagMs });
  const clients = new StrictClients({ url: balancer.url, clients: clientCount, thinkMs: 200, mix });
  const live = liveLine(() => `  ${seconds(clients.elapsedMs())}  ${countsOf(clients.counts())}`);
  try {
    const report = await rollingRestart({
      replicas,
      balancer,
      clients,
      graceMs,
      startReplica: (number) =>
        Replica.start({
          name: `orders-${number}`,
          args: [entry],
          cwd: sample,
          // Three databases start at once: a busy machine takes its time.
          startTimeoutMs: 120_000,
          readinessPath,
          // Each replica has a database of its own, in memory; never one that happens to be configured here.
          env: { DATABASE_URL: '', NODE_ENV: 'production' },
        }),
      onStep: (step) =>
        live.say(`  ${seconds(step.atMs)}  ${sentenceOf(step).padEnd(45)}${countsOf(clients.counts())}`),
    });
    live.end();
    return { title, ...report };
  } finally {
    live.end();
    await balancer.close();
  }
}

function sentenceOf(step) {
  switch (step.kind) {
    case 'serving':
      return `${step.replica.name} is ready and serves`;
    case 'signalled':
      return `${step.replica.name} gets SIGTERM`;
    case 'exited':
      return `${step.replica.name} ${step.exit.killed ? 'had to be killed' : 'has exited'} after ${seconds(step.exit.ms).trim()}`;
    case 'traffic-started':
      return 'clients start';
    default:
      return 'clients have stopped';
  }
}

function countsOf({ answered, failed, underWay }) {
  return `${count(answered)} answered, ${count(failed)} failed, ${underWay} under way`;
}

/** A line that is kept up to date below those that are said; where there is no terminal, the latter alone. */
function liveLine(text) {
  const { stdout } = process;
  const clear = () => stdout.isTTY && stdout.write('\r\x1b[K');
  const draw = () => stdout.isTTY && stdout.write(`\r\x1b[K${text()}`);
  const ticking = setInterval(draw, 100);
  return {
    say(line) {
      clear();
      console.log(line);
      draw();
    },
    end() {
      clearInterval(ticking);
      clear();
    },
  };
}

function table(...reports) {
  const kinds = [...new Set(reports.flatMap(({ failuresByKind }) => Object.keys(failuresByKind)))].sort();
  const rows = [
    ['', ({ title }) => title],
    ['requests', ({ requests }) => count(requests)],
    ['failed', ({ failed }) => count(failed)],
    ...kinds.map((kind) => [`  ${kind}`, ({ failuresByKind }) => count(failuresByKind[kind] ?? 0)]),
    ['slowest answer', ({ slowestMs }) => seconds(slowestMs)],
    ['shutdown of a replica', ({ shutdowns }) => span(shutdowns.map(({ ms }) => ms))],
    ['replicas killed', ({ killed }) => count(killed)],
  ].map(([label, cell]) => [label, ...reports.map(cell)]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(([label, ...cells]) =>
    [label.padEnd(widths[0]), ...cells.map((cell, at) => cell.padStart(widths[at + 1]))].join('   '),
  );
  return [lines[0], '─'.repeat(lines[0].length), ...lines.slice(1)].join('\n');
}

function verdict(without, withModule) {
  if (withModule.failed > 0) {
    const shown = withModule.failures.slice(0, 20).map((failure) => `  ${storyOf(failure, withModule.shutdowns)}`);
    return `Lost ${withModule.failed} requests with nestjs-drain:\n${shown.join('\n')}`;
  }
  if (without.failed === 0) return 'Nothing was lost without nestjs-drain either: this run has shown nothing.';
  return `nestjs-drain lost none of ${count(withModule.requests)} requests; without it ${count(without.failed)} of ${count(without.requests)} failed.`;
}

function storyOf({ kind, request, detail, replica, atMs }, shutdowns) {
  const shutdown = shutdowns.find((each) => each.replica === replica);
  const when = shutdown
    ? `${(atMs - shutdown.signalledAtMs).toFixed(0)} ms after the SIGTERM of ${replica}`
    : `at ${seconds(atMs)}`;
  return `${kind}: ${request} ${when}${detail ? ` (${detail})` : ''}`;
}

function count(number) {
  return number.toLocaleString('en-US');
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`.padStart(8);
}

function span(durations) {
  const [least, most] = [Math.min(...durations), Math.max(...durations)].map((ms) => (ms / 1000).toFixed(2));
  return least === most ? `${least} s` : `${least}–${most} s`;
}

/** A test of a body that is JSON; one that is not fails it. */
function json(isRight) {
  return (body) => {
    try {
      return isRight(JSON.parse(body));
    } catch {
      return false;
    }
  };
}

/** The last line of an export says how many came before it. */
function isWholeExport(body) {
  const lines = body.toString().trimEnd().split('\n');
  return json(({ exported }) => exported === 20 && lines.length === 21)(lines.at(-1));
}
