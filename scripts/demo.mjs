/**
 * `npm run demo`: a drill (`npx nestjs-drain drill`) of sample/kubernetes-app, first without nestjs-drain and then with
 * it, and the two side by side, here and as a page. Fails when the run with it lost a request, or when the one without
 * lost none.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPackages, setupSample } from './setup-sample.mjs';

const sample = 'sample/kubernetes-app';
const runs = [
  { title: 'without nestjs-drain', entry: 'dist/without-drain/main.js' },
  { title: 'with nestjs-drain', entry: 'dist/main.js' },
];
const observed = {
  cwd: sample,
  readinessPath: '/health/ready',
  ratePerSecond: 150,
  /** What readiness and endpoints take to reach every node: a busy cluster needs about a second. */
  lagsMs: [1_000],
  // Three databases start at once: a busy machine takes its time.
  startTimeoutMs: 120_000,
  // Each replica has a database of its own, in memory; never one that happens to be configured here.
  env: { DATABASE_URL: '', NODE_ENV: 'production' },
};

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
buildPackages();
setupSample(sample);
const { drill, platformOf } = await import('../packages/tools/dist/esm/drill/index.js');
const { comparisonText } = await import('../packages/tools/dist/esm/drill/formats/text.js');
const { htmlReport } = await import('../packages/tools/dist/esm/drill/report/index.js');
const { Progress } = await import('../packages/tools/dist/esm/cli/progress.js');
/** Not committed. */
const page = 'temp/demo.html';

const [without, withModule] = [await roll(runs[0]), await roll(runs[1])];
console.log(`\n${comparisonText(without, withModule)}\n`);
console.log(`Without nestjs-drain: ${without.verdict}`);
for (const { code, finding } of without.advice) console.log(`  ${code}: ${finding}`);
console.log(`With nestjs-drain: ${withModule.verdict}`);
if (withModule.totals.failed > 0) console.log(withModule.failures.slice(0, 20).map(storyOf).join('\n'));
if (without.totals.failed === 0) console.log('Nothing was lost without it either: this run has shown nothing.');
mkdirSync('temp', { recursive: true });
writeFileSync(page, htmlReport(withModule, { before: without }));
console.log(`Both as a page: ${page}`);
process.exit(withModule.lostNothing && without.totals.failed > 0 ? 0 : 1);

async function roll({ title, entry }) {
  console.log(`\n${title[0].toUpperCase()}${title.slice(1)}`);
  const progress = new Progress(process.stdout);
  const options = {
    ...observed,
    command: [process.execPath, entry],
    // Kubernetes gives 30 s. Less will do here, since a replica without the module uses up whatever it is given.
    platform: platformOf('kubernetes', { graceMs: 12_000 }),
    requests: mix,
    title,
  };
  try {
    const onStep = (step) => progress.say(step);
    return await drill({ ...options, onStep, onTick: (atMs, counts) => progress.tick(atMs, counts) });
  } finally {
    progress.end();
  }
}

function storyOf({ kind, request, detail, replica, sinceSignalMs, atMs }) {
  const when = replica ? `${sinceSignalMs.toFixed(0)} ms after the signal of ${replica}` : `at ${seconds(atMs)}`;
  return `  ${kind}: ${request} ${when}${detail ? ` (${detail})` : ''}`;
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(2)} s`;
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
