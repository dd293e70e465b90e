/**
 * `npm run bench`: nestjs-drain beside bare Nest and its peers, in one run: ratios and medians. See README.md in this
 * folder.
 *
 *   node bench/run.mjs [--quick] [startup hotPath cpu ends exit closing memory] [--variants bare,routes,…] [--framework
 *   fastify]
 */
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPackages, npm } from '../scripts/setup-sample.mjs';
import { isPinned } from './application.mjs';
import { measureCpu } from './cpu.mjs';
import { measureHotPath } from './hot-path.mjs';
import { measureEnds, measureIdleExit } from './ends.mjs';
import { measureClosing, measureMemory } from './idle.mjs';
import { goals } from './goals.mjs';
import { markdown } from './report.mjs';
import { measureStartup } from './startup.mjs';
import { frameworks, variants } from './variants.mjs';

const bench = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    variants: { type: 'string' },
    framework: { type: 'string' },
    out: { type: 'string', default: bench },
  },
});

/** `--quick` finds out in about a minute that everything runs; the other one is for figures. */
const sizes = args.quick
  ? {
      startup: { repeats: 3 },
      hotPath: { rounds: 1, cycles: 10, warmUpRequests: 10_000, blockRequests: 300 },
      cpu: { rounds: 1, cycles: 8, warmUpRequests: 6_000, blockRequests: 1_000 },
      ends: { repeats: 3, slowRepeats: 1 },
      exit: { repeats: 2 },
      closing: { counts: [0, 1_000], repeats: 1 },
      memory: { connections: 1_000, requests: 500, repeats: 1 },
    }
  : {
      startup: { repeats: 15 },
      hotPath: { rounds: 6, cycles: 100, warmUpRequests: 20_000, blockRequests: 300 },
      cpu: { rounds: 5, cycles: 12, warmUpRequests: 12_000, blockRequests: 1_000 },
      ends: { repeats: 11, slowRepeats: 3 },
      exit: { repeats: 11 },
      closing: { counts: [0, 1_000, 10_000], repeats: 3 },
      memory: { connections: 4_000, requests: 2_000, repeats: 3 },
    };

const wanted = positionals.length > 0 ? positionals : Object.keys(sizes);
for (const name of wanted) {
  if (Object.hasOwn(sizes, name)) continue;
  console.error(`There is no part ${name}: choose among ${Object.keys(sizes).join(', ')}.`);
  process.exit(2);
}
const all = args.variants?.split(',') ?? variants.map(({ name }) => name);
const withPeers = all.filter((name) => name !== 'bare-again' && name !== 'interceptor');
const cpuFrameworks = args.framework ? [args.framework] : frameworks;
/** Node's defaults show best there what a keep-alive connection does to a close: Fastify has others. */
const endsFramework = args.framework ?? 'express';
const framework = args.framework ?? 'fastify';

const startedAt = performance.now();
process.chdir(root);
buildPackages();
installPeers();
const packageEntry = snapshotOfPackage();

const results = {
  machine: machine(),
  isQuick: args.quick,
  sizes,
  frameworks: { ends: endsFramework, others: framework },
};
for (const [name, measure] of Object.entries({ startup: measureStartup, hotPath, cpu, ends, exit, closing, memory })) {
  if (!wanted.includes(name)) continue;
  results[name] = await measure({ ...sizes[name], packageEntry, progress });
  // After each part, so that a run that is cut short has not run for nothing.
  save();
}
progress('');
console.log(markdown(results));
process.exit(results.goals.some(({ verdict }) => verdict === 'missed') ? 1 : 0);

function save() {
  results.goals = goals(results);
  results.seconds = Math.round((performance.now() - startedAt) / 1_000);
  writeFileSync(`${args.out}/results.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(`${args.out}/results.md`, markdown(results));
}

async function hotPath(sizes) {
  const rows = [];
  for (const framework of cpuFrameworks) {
    const variants = ['bare', 'bare-again', 'routes'];
    for (const row of await measureHotPath({ ...sizes, framework, variants })) rows.push({ framework, ...row });
  }
  return rows;
}

async function cpu(sizes) {
  const rows = [];
  for (const framework of cpuFrameworks) {
    for (const row of await measureCpu({ ...sizes, framework, variants: all })) rows.push({ framework, ...row });
  }
  return rows;
}

function ends(sizes) {
  return measureEnds({ ...sizes, framework: endsFramework, variants: withPeers });
}

function exit(sizes) {
  return measureIdleExit({ ...sizes, framework, variants: withPeers });
}

function closing(sizes) {
  return measureClosing({ ...sizes, framework, variants: withPeers });
}

function memory(sizes) {
  return measureMemory({ ...sizes, framework, variants: all });
}

function installPeers() {
  const installed = `${bench}node_modules/.package-lock.json`;
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${bench}package-lock.json`).mtimeMs;
  if (!isCurrent) npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], bench);
}

/** A copy, so that a build in the middle of the run changes nothing. It lies where Nest can be found from. */
function snapshotOfPackage() {
  const copy = `${root}.cache/bench-${process.pid}`;
  mkdirSync(copy, { recursive: true });
  cpSync(`${root}dist`, copy, { recursive: true });
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  return `${copy}/index.js`;
}

function machine() {
  const [cpu] = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    isPinned,
  };
}

function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line) process.stderr.write(`${line}\n`);
}
