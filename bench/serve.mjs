/**
 * What `nestjs-drain serve` loses in reloads, and what it costs: `node bench/serve.mjs [rolls|overhead]
 * [--reloads 20] [--requests 25000] [--turns 9] [--only <part of a name>]`. Writes tables for bench/process-groups.md. Build first.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';
import { median, sum } from './statistics.mjs';

const { freePort } = await importTypeScript('packages/tools/src/drill/free-port.ts');
const { GroupLoad } = await importTypeScript('test/process/support/group-load.ts');

const { values, positionals } = parseArgs({
  options: {
    reloads: { type: 'string', default: '20' },
    requests: { type: 'string', default: '25000' },
    turns: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
  },
  allowPositionals: true,
});
const [reloads, wanted] = [Number(values.reloads), Number(values.requests)];
const node = process.env.DRAIN_NODE ?? process.execPath;
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const command = file('../bin/nestjs-drain.mjs');
const application = file('../test/process/apps/group-worker.mjs');
/** Clients of each kind. */
const perKind = 4;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A group of four, and how it is rolled. */
class Running {
  output = '';

  constructor(args, env) {
    this.child = spawn(node, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  async says(what, times = 1) {
    while (this.output.split(what).length <= times) {
      if (this.child.exitCode !== null) throw new Error(`It ended:\n${this.output}`);
      await pause(10);
    }
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

const served = (balance, more, script, control) => [
  command,
  ...['serve', '--workers', '4', '--balance', balance, '--control', control, ...more, '--', node, script],
];

async function rollsOf({ name, balance, framework, isControl }) {
  const folder = mkdtempSync(join(tmpdir(), 'drain-bench-'));
  const [port, ledger, control] = [await freePort(), join(folder, 'ledger'), join(folder, 'control')];
  writeFileSync(ledger, '');
  const settings = { port, ledger, framework, ...(isControl ? { isBlind: true } : {}) };
  const env = { DRAIN_SETTINGS: JSON.stringify(settings), BENCH_WORKERS: '4', BENCH_BALANCE: balance };
  const args = isControl
    ? [file('serve-cluster.mjs'), application]
    : served(balance, ['--ready', '/health/ready'], application, control);
  const group = new Running(args, env);
  await group.says('workers serve');
  const base = new GroupLoad(port, ledger, perKind);
  await pause(5_000);
  await base.end();
  const load = new GroupLoad(port, ledger, perKind);
  const times = [];
  for (let count = 0; count < reloads || load.figures.requests < wanted; count++) {
    const startedAt = performance.now();
    if (isControl) {
      group.child.kill('SIGHUP');
      await group.says('rolled', count + 1);
      times.push((performance.now() - startedAt) / 1_000);
    } else {
      const { stdout } = await promisify(execFile)(node, [command, 'reload', '--control', control]);
      // Without the wait for those that retire from the reload before.
      times.push(Number(/after (\d+) ms/.exec(stdout)[1]) / 1_000);
    }
  }
  const { requests, lost, notOnce, probes, failedProbes, longestMs } = await load.end();
  await group.stop();
  rmSync(folder, { recursive: true });
  const how = Object.entries(lost).map(([reason, count]) => `${count} × ${reason}`);
  const cells = [
    name,
    times.length,
    requests,
    `${sum(Object.values(lost))}${how.length > 0 ? ` (${how.join(', ')})` : ''}`,
    notOnce,
    `${failedProbes} of ${probes}`,
    `${longestMs} ms (base ${base.figures.longestMs} ms)`,
    `${median(times).toFixed(1)} s, ${Math.max(...times).toFixed(1)} s`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

/** User and system time of a process and all below it, ms. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const own = (Number(fields[11]) + Number(fields[12])) * 10;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return (
    own +
    children
      .split(' ')
      .filter(Boolean)
      .reduce((sum, child) => sum + cpuMs(child), 0)
  );
}

/** So many requests, on new connections or on kept ones, eight at a time. */
async function ask(port, count, isKept) {
  let left = count;
  const client = async () => {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    while (left-- > 0) {
      await new Promise((resolve, reject) => {
        const sent = request({ port, host: '127.0.0.1', agent }, (response) => response.resume().once('end', resolve));
        sent.once('error', reject);
        sent.end();
      });
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: 8 }, client));
}

async function overhead() {
  const script = file('serve-server.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'drain-bench-'));
  console.log('| set-up | CPU a request, new connections | kept connections |\n| --- | ---: | ---: |');
  for (const balance of ['round-robin', 'shared']) {
    const set = [];
    for (const name of ['node:cluster', 'serve']) {
      const port = await freePort();
      const env = { BENCH_PORT: String(port), BENCH_WORKERS: '4', BENCH_BALANCE: balance };
      const args =
        name === 'serve' ? served(balance, [], script, join(folder, balance)) : [file('serve-cluster.mjs'), script];
      const group = new Running(args, env);
      await group.says('workers serve');
      set.push({ name, port, group, us: { new: [], kept: [] } });
    }
    // Side by side, in turn: what else the machine does meets both. The first turn only warms them up.
    for (let turn = 0; turn < Number(values.turns); turn++) {
      for (const { port, group, us } of set) {
        for (const [kind, count] of [
          ['new', 3_000],
          ['kept', 6_000],
        ]) {
          const before = cpuMs(group.child.pid);
          await ask(port, count, kind === 'kept');
          if (turn > 0) us[kind].push(((cpuMs(group.child.pid) - before) * 1_000) / count);
        }
      }
    }
    for (const { name, group, us } of set) {
      const [fresh, kept] = [us.new, us.kept].map((each) => `${Math.round(median(each))} µs`);
      console.log(`| ${name}, ${balance} | ${fresh} | ${kept} |`);
      await group.stop();
    }
  }
  rmSync(folder, { recursive: true });
}

const setups = [
  { name: 'serve, round robin, Express', balance: 'round-robin', framework: 'express' },
  { name: 'serve, round robin, Fastify', balance: 'round-robin', framework: 'fastify' },
  { name: 'serve, shared accept, Express', balance: 'shared', framework: 'express' },
  { name: 'serve, shared accept, Fastify', balance: 'shared', framework: 'fastify' },
  {
    name: 'control: node:cluster, round robin, Express',
    balance: 'round-robin',
    framework: 'express',
    isControl: true,
  },
];
if (!positionals.includes('overhead')) {
  const columns = [
    'set-up',
    'reloads',
    'requests',
    'lost',
    'not once',
    'failed probes',
    'longest',
    'a reload: median, longest',
  ];
  console.log(
    `| ${columns.join(' | ')} |\n| ${columns.map((_, index) => (index === 0 ? '---' : '---:')).join(' | ')} |`,
  );
  for (const setup of setups) if (setup.name.includes(values.only)) await rollsOf(setup);
}
if (!positionals.includes('rolls')) await overhead();
