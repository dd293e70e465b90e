/**
 * Rolls of replicas whose work comes from queues and schedulers, with the module and, as the control, without.
 *
 *   node bench/jobs.mjs [--rolls 10] [--controls 1] [--only backlog,schedule]
 *
 * Each cell is rolled `--rolls` times by SIGTERM and by `app.close()` in turn. What it writes into bench/jobs.md is all
 * it measured: a run of some cells (`--only`) prints its table alone.
 */
import { Queue } from 'bullmq';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';
import { buildPackages } from '../scripts/setup-sample.mjs';
import { entriesOf, Replica } from './job-replicas.mjs';
import { median } from './statistics.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const shortLock = { lockDuration: 800, stalledInterval: 300 };
/**
 * `deadline`: jobs outlast it, and are handed back: each begins once more. `isSandboxed`: a job begins in another process
 * than the one that takes it, and so later.
 */
const cells = {
  backlog: { queue: { mode: 'processor', jobs: 80, jobMs: 200, closeMs: 1_000 } },
  'backlog-hybrid': { queue: { mode: 'processor', jobs: 80, jobMs: 200, closeMs: 1_000, http: true } },
  'backlog-registerQueue': { queue: { mode: 'callbacks', jobs: 80, jobMs: 200, closeMs: 1_000 } },
  'backlog-sandboxed': { queue: { mode: 'processors', jobs: 80, jobMs: 200, closeMs: 1_000 }, isSandboxed: true },
  overlong: { queue: { mode: 'processor', jobs: 5, jobMs: 30_000 }, deadline: 1_000 },
  'overlong-sandboxed': { queue: { mode: 'own', jobs: 5, jobMs: 30_000 }, deadline: 1_000 },
  'short-lock': { queue: { mode: 'processor', jobs: 5, jobMs: 6_000, workerOptions: shortLock, watched: true } },
  schedule: { kinds: ['cron', 'interval', 'added cron', 'added interval'], source: 'schedule' },
  events: { kinds: ['listener', 'async listener', 'second listener'], source: 'events' },
  'cqrs-sagas': { kinds: ['event handler', 'scoped event handler', 'command'], source: 'cqrs' },
};
/** A control whose jobs are cut, or never end, is not waited for any longer than this, ms. */
const controlMs = 8_000;

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '10' },
    controls: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
buildPackages();
const { startBroker } = await importTypeScript('test/support/brokers.ts');
const redis = await startBroker('redis');
const connection = { host: '127.0.0.1', port: redis.port };
let queues = 0;
const rows = [];
try {
  for (const name of values.only?.split(',') ?? Object.keys(cells)) {
    for (const hasModule of [true, false]) rows.push(await rollCell(name, hasModule));
  }
} finally {
  await redis.stop();
}
const table = tableOf(rows);
console.log(table);
if (!values.only) await writeFile(join(root, 'bench/jobs.md'), page(table));
process.exit();

async function rollCell(name, hasModule) {
  const cell = cells[name];
  const rolls = Number(hasModule ? values.rolls : values.controls);
  const row = { name, hasModule, rolls, clean: 0, work: 0, failed: 0, twice: 0, cut: 0, late: 0, closed: 0, exits: [] };
  for (let roll = 0; roll < rolls; roll++) {
    const by = roll % 2 === 0 ? 'SIGTERM' : 'app.close()';
    const drain = hasModule ? (cell.deadline ?? 10_000) : false;
    const figures = await (cell.queue ? rollQueue(cell, drain, by) : rollSource(cell, drain, by));
    for (const each of ['work', 'failed', 'twice', 'cut', 'late', 'closed']) row[each] += figures[each];
    row.exits.push(figures.exitMs);
    const { failed, twice, cut, late, closed } = figures;
    if (failed + twice + cut + late + closed === 0) row.clean++;
    process.stderr.write(`${name}, ${by}, ${hasModule ? 'with' : 'without'}: ${JSON.stringify(figures)}\n`);
  }
  return row;
}

async function rollQueue({ queue: setup, deadline, isSandboxed }, drain, by) {
  const { jobs, watched, ...settings } = setup;
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-jobs-'));
  const ledger = join(folder, 'ledger');
  const name = `orders-${++queues}`;
  const queue = new Queue(name, { connection });
  const start = (more) =>
    Replica.start('test/brokers/apps/bullmq.mjs', {
      ...settings,
      ...more,
      queue: name,
      port: redis.port,
      ledger,
      env: { JOBS_LEDGER: ledger, JOB_MS: String(more.jobMs ?? settings.jobMs) },
    });
  const count = (what) => entriesOf(ledger).filter((each) => each.what === what).length;
  const replica = await start({ drain });
  const others = [];
  await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'order', data: { n } })));
  while (count('begun') < 5 || (jobs > 5 && count('ended') < 3)) await sleep(10);
  // One that looks for stalled jobs.
  if (watched) others.push(await start({ drain: 10_000, jobMs: 10 }));
  const signalledAt = Date.now();
  replica.stop(by);
  const ms = await Promise.race([closed(replica, by, drain), sleep(controlMs, controlMs)]);
  await replica.kill();
  const destroyedAt = replica.told.find(({ event }) => event === 'destroyed')?.at ?? Infinity;
  const drainingAt = replica.told.find(({ event }) => event === 'draining')?.at ?? signalledAt;
  const entries = entriesOf(ledger).filter(({ pid }) => watched === undefined || pid === replica.pid);
  const ended = new Set(entries.filter(({ what }) => what === 'ended').map(({ n }) => n));
  const begun = entries.filter(({ what }) => what === 'begun');
  if (!watched) others.push(await start({ drain: 10_000, jobMs: 10 }));
  while (Object.values(await queue.getJobCounts('wait', 'active', 'delayed')).some((each) => each > 0)) await sleep(50);
  const { failed, completed } = await queue.getJobCounts('failed', 'completed');
  const takenAt = new Map((await queue.getJobs('completed')).map((job) => [job.data.n, job.processedOn]));
  const all = entriesOf(ledger).filter(({ what }) => what === 'begun');
  for (const other of others) await other.kill();
  await queue.obliterate({ force: true });
  await queue.close();
  rmSync(folder, { recursive: true, force: true });
  const again = all.length - new Set(all.map(({ n }) => n)).size;
  return {
    work: jobs,
    failed: failed + (jobs - failed - completed),
    // Jobs that outlast the deadline are to begin once more, and no more often.
    twice: deadline && drain ? Math.abs(again - jobs) : again,
    cut: deadline && drain ? 0 : begun.filter(({ n }) => !ended.has(n)).length,
    late: begun.filter(({ n, at }) => (isSandboxed ? takenAt.get(n) : at) > drainingAt).length,
    closed: begun.filter(({ at }) => at > destroyedAt).length,
    exitMs: deadline && drain ? ms - deadline : ms,
  };
}

async function rollSource({ kinds, source }, drain, by) {
  const replica = await Replica.start('test/process/apps/jobs.mjs', { drain, sources: [source] });
  for (const kind of kinds) await replica.until('ended', (told) => told.kind === kind);
  const signalledAt = Date.now();
  replica.stop(by);
  const ms = await closed(replica, by, drain);
  await replica.ended;
  const told = (event) => replica.told.filter((each) => each.event === event && kinds.includes(each.kind));
  const ended = new Set(told('ended').map(({ n }) => n));
  const drainingAt = replica.told.find(({ event }) => event === 'draining')?.at ?? signalledAt;
  return {
    work: told('begun').length,
    failed: 0,
    twice: 0,
    cut: told('begun').filter(({ n }) => !ended.has(n)).length,
    // Events are handled in the drain, for work in flight sends them: timers alone must not begin.
    late: source === 'schedule' ? told('begun').filter(({ at }) => at > drainingAt).length : 0,
    closed: [...told('begun'), ...told('ended')].filter(({ isOpen }) => !isOpen).length,
    exitMs: ms,
  };
}

/** How long it took to end, ms. A process that was not told to end by a signal lives as long as anything runs in it. */
async function closed(replica, by, drain) {
  const toldAt = performance.now();
  if (by === 'SIGTERM' || drain === false) return (await replica.ended).ms;
  await replica.until('report');
  return performance.now() - toldAt;
}

function tableOf(all) {
  const head = ['Work', 'Module', 'Rolls', 'Without a flaw', 'Jobs, or runs', 'Failed', 'Twice', 'Cut', 'Begun late'];
  head.push('After destroy', 'Exit, ms');
  const lines = all.map((row) => [
    row.name,
    row.hasModule ? 'with' : 'without',
    row.rolls,
    row.clean,
    row.work,
    row.failed,
    row.twice,
    row.cut,
    row.late,
    row.closed,
    `${Math.round(median(row.exits))}, at most ${Math.round(Math.max(...row.exits))}`,
  ]);
  const line = (each) => `| ${each.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

function page(text) {
  const command = `node bench/jobs.mjs ${process.argv.slice(2).join(' ')}`.trim();
  return `# Jobs, schedulers and events

Node ${process.version}, Nest 12, Redis 7.0, two cores that everything shares. \`${command}\` measures this: a replica is told to end
while it works, half of the rolls by SIGTERM and half by \`app.close()\`, and another one does what is left of its queue.
_Failed_: for good, or lost. _Twice_: begun more than once; where jobs outlast the drain deadline, more or less than the
once more that they are to. _Cut_: begun and not ended. _Begun late_: after draining had begun, or, without the module,
after the signal; of sandboxed processors: taken from the queue then. _After destroy_: begun, or for schedulers and events also ended, with the database closed. _Exit_: since
the signal, or until \`app.close()\` had closed; of _overlong_ since the drain deadline, and without the module no more than ${controlMs} ms were waited for it.

${text}
`;
}
