/**
 * What four processes on one port lose when they are replaced under strict clients, in each set-up of
 * `process-groups/set-ups.mjs`, with Express and with Fastify; and, as controls, with a module that does not learn that
 * it shares the socket.
 *
 *   node bench/process-groups.mjs [--reloads 20] [--requests 25000] [--controls 1] [--lanes 1] [--afresh]
 *     [--only 'PM2,two units'] [--without serve] [--framework fastify] [--node <path of another Node>]
 *   node bench/process-groups.mjs overhead [--turns 9]      what it costs to stand in front of workers: a table
 *   node bench/process-groups.mjs page                      the page, of what is kept
 *
 * A set-up is rolled until it has seen so many reloads and so many requests, in sittings of five reloads. `--lanes` of
 * them are rolled side by side: most of a reload is waiting. Every sitting is kept in bench/process-groups.json, and
 * goes on from what is kept there, unless `--afresh`: so a long run can be stopped. The tables of
 * bench/process-groups.md are made of all that is kept, at the end: clients must not stand still for it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';
import { buildPackages } from '../scripts/setup-sample.mjs';
import { sum } from './statistics.mjs';

const { values, positionals } = parseArgs({
  options: {
    reloads: { type: 'string', default: '20' },
    requests: { type: 'string', default: '25000' },
    controls: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    without: { type: 'string' },
    framework: { type: 'string', default: 'express,fastify' },
    node: { type: 'string', default: process.execPath },
    afresh: { type: 'boolean', default: false },
    turns: { type: 'string', default: '9' },
  },
  allowPositionals: true,
});
/** Nothing is lost of more than these when a run is stopped. */
const reloadsOfSitting = 5;
/** Clients of each kind. */
const perKind = 4;
const { node } = values;
// Helpers of the process suite read it.
process.env.DRAIN_NODE = node;
buildPackages();

const { freePort } = await importTypeScript('packages/tools/src/drill/free-port.ts');
const { endMarkedWithThisProcess } = await importTypeScript('packages/tools/src/drill/children.ts');
const { GroupLoad } = await importTypeScript('test/process/support/group-load.ts');
const { setUps } = await import('./process-groups/set-ups.mjs');
const { Figures } = await import('./process-groups/figures.mjs');
const { overhead } = await import('./process-groups/overhead.mjs');

const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const folder = mkdtempSync(join(tmpdir(), 'drain-groups-'));
// It is in the environment of all that is started: the ledger lies in it.
endMarkedWithThisProcess(folder);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

if (positionals.includes('overhead')) {
  console.log(await overhead({ node, turns: Number(values.turns), folder, freePort }));
} else {
  const figures = new Figures(values.afresh);
  const left = positionals.includes('page') ? [] : wantedRows();
  await Promise.all(Array.from({ length: Number(values.lanes) }, () => workOff(left, figures)));
  await figures.writePage();
}
process.exit();

/** Rows that are to lose nothing, and then the controls. */
function wantedRows() {
  const isMeant = (name) =>
    values.only.split(',').some((part) => name.includes(part)) &&
    !(values.without?.split(',') ?? []).some((part) => name.includes(part));
  const meant = setUps.filter(({ name }) => isMeant(name));
  const row = (setUp, framework, isControl) => ({
    setUp,
    key: { name: setUp.name, framework, isControl, node: version },
    reloads: Number(isControl ? values.controls : values.reloads),
    requests: isControl ? 0 : Number(values.requests),
  });
  const frameworks = values.framework.split(',');
  return [
    ...meant.flatMap((setUp) => frameworks.map((framework) => row(setUp, framework, false))),
    ...meant.filter(({ control }) => control).map((setUp) => row(setUp, 'express', true)),
  ];
}

/** Takes one row after the other. */
async function workOff(left, figures) {
  for (let row = left.shift(); row; row = left.shift()) {
    const { setUp, key, reloads, requests } = row;
    for (;;) {
      const sittings = figures.of(key);
      const toGo = reloads - sum(sittings.map((each) => each.times.length));
      if (toGo <= 0 && sum(sittings.map((each) => each.requests)) >= requests) break;
      const count = Math.min(reloadsOfSitting, toGo > 0 ? toGo : reloadsOfSitting);
      try {
        figures.keep(key, await sit(setUp, key, count, sittings.length + 1));
      } catch (error) {
        // The others go on.
        console.error(`${titleOf(key)}: ${error.stack}`);
        process.exitCode = 1;
        break;
      }
    }
  }
}

/** Starts a group, rolls it so many times under load, and ends it. */
async function sit(setUp, key, reloads, turn) {
  const { framework, isControl } = key;
  const own = mkdtempSync(join(folder, 'sitting-'));
  const ledger = join(own, 'ledger');
  writeFileSync(ledger, '');
  const settings = { ledger, framework, ...(isControl ? { isBlind: true } : {}) };
  const group = await setUp.start({ node, folder: own, settings });
  try {
    const load = new GroupLoad(group.port, ledger, perKind);
    const times = [];
    for (let count = 0; count < reloads; count++) {
      const startedAt = performance.now();
      const ms = await group.roll();
      times.push(Math.round(ms ?? performance.now() - startedAt));
    }
    const { losses, ...told } = await load.end();
    const figures = { ...told, times, ...(group.hasWarned ? { hasWarned: group.hasWarned() } : {}) };
    console.error(`${titleOf(key)}: ${JSON.stringify(figures)}`);
    if (losses.length > 0) writeDown(`${titleOf(key)}, sitting ${turn}`, losses, group.output());
    return figures;
  } finally {
    await group.end();
    rmSync(own, { recursive: true, force: true });
  }
}

function titleOf({ name, framework, isControl, node: of }) {
  return `${name}, ${framework}${isControl ? ', control' : ''}, ${of}`;
}

/** For whoever looks for the cause. */
function writeDown(title, losses, output) {
  const where = fileURLToPath(new URL('../.cache/process-groups', import.meta.url));
  mkdirSync(where, { recursive: true });
  writeFileSync(join(where, `${title.replaceAll(/[^\w.]+/g, '-')}.log`), `${losses.join('\n')}\n\n${output}`);
}
