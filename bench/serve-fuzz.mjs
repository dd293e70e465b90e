/**
 * `nestjs-drain serve` under random reloads, bad versions, crashes, hangs and signals, from a seed:
 * `node bench/serve-fuzz.mjs [--runs 200] [--seed 1]`. What must hold in every run:
 *
 * - no connection is refused, and none waits longer than the hang limit and what a loaded machine adds;
 * - outside of a reload all workers that serve are of one version;
 * - at the end no process is left, and the exit code says whether a worker had to be killed.
 */
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';

const { freePort } = await importTypeScript('packages/tools/src/drill/free-port.ts');
const command = fileURLToPath(new URL('../bin/nestjs-drain.mjs', import.meta.url));
const hangLimitMs = 1_000;
const longestMs = hangLimitMs + 5_000;

const server = `const server = require('node:http').createServer((request, response) => {
  if (request.url === '/hang') for (;;);
  if (request.url === '/crash') process.exit(7);
  setTimeout(() => response.end('ok'), request.url === '/slow' ? 200 : 2);
}).listen(process.env.FUZZ_PORT, '127.0.0.1');\n`;
const versions = {
  good: server,
  crashing: 'process.exit(1)\n',
  silent: 'setInterval(() => undefined, 1000)\n',
  'short-lived': `${server}setTimeout(() => process.exit(3), 150);\n`,
};

/** Numbers between 0 and 1 that a seed decides: mulberry32. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Resolves with the status, or with the code of what went wrong. */
function ask(port, path) {
  return new Promise((resolve) => {
    const options = { port, path, host: '127.0.0.1', agent: new Agent(), timeout: longestMs };
    const sent = request(options, (response) => response.resume().once('close', () => resolve(response.statusCode)));
    sent.once('timeout', () => sent.destroy(Object.assign(new Error(), { code: 'no answer' })));
    sent.once('error', ({ code }) => resolve(code));
    sent.end();
  });
}

/** Those that a run has started: they have its port in their environment. */
function left(port) {
  return readdirSync('/proc').filter((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`FUZZ_PORT=${port}\0`);
      return isOurs && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  });
}

async function run(seed) {
  const next = random(seed);
  const pick = (...list) => list[Math.floor(next() * list.length)];
  const folder = mkdtempSync(join(tmpdir(), 'drain-fuzz-'));
  const [port, statusPort] = [await freePort(), await freePort()];
  const deploy = (version) => {
    symlinkSync(version, join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
  };
  for (const [name, text] of Object.entries(versions)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'main.js'), text);
  }
  deploy('good');
  const balance = pick('round-robin', 'shared');
  const options = ['--workers', pick('1', '2', '3'), '--balance', balance, '--probation', '300ms', '--grace', '3s'];
  const limits = ['--ready-timeout', '3s', '--hang-limit', `${hangLimitMs}ms`, '--status-port', statusPort];
  const where = ['--control', join(folder, 'control'), '--cwd', join(folder, 'current')];
  const child = spawn(process.execPath, [command, 'serve', ...options, ...limits, ...where, '--', 'node', 'main.js'], {
    env: { ...process.env, FUZZ_PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const said = [];
  const status = async () => (await fetch(`http://127.0.0.1:${statusPort}/status`)).json();
  const until = Date.now() + 20_000;
  while (!output.includes('workers serve') && Date.now() < until) await sleep(20);

  const problems = [];
  const answers = {};
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      const answer = await ask(port, pick('/', '/', '/slow'));
      answers[answer] = (answers[answer] ?? 0) + 1;
      if (!isOver && (answer === 'ECONNREFUSED' || answer === 'no answer')) problems.push(`a client: ${answer}`);
      await sleep(5);
    }
  };
  const watch = async () => {
    while (!isOver) {
      const { phase, workers } = await status();
      const serving = new Set(workers.filter((worker) => worker.phase === 'serving').map(({ version }) => version));
      if (phase === 'serving' && serving.size > 1) problems.push(`versions ${[...serving].join(' and ')} serve`);
      await sleep(20);
    }
  };
  const busy = [client(), client(), client(), watch()];
  const actions = {
    reload: () => child.kill(pick('SIGHUP', 'SIGUSR2')),
    'bad version': () => {
      deploy(pick('crashing', 'silent', 'short-lived'));
      child.kill('SIGHUP');
    },
    'good version': () => {
      deploy('good');
      child.kill('SIGHUP');
    },
    crash: () => void ask(port, '/crash'),
    hang: () => void ask(port, '/hang'),
    kill: async () => {
      const { workers } = await status();
      try {
        process.kill(pick(...workers).pid, pick('SIGKILL', 'SIGTERM'));
      } catch {
        // It has ended meanwhile.
      }
    },
    more: () => child.kill('SIGTTIN'),
    less: () => child.kill('SIGTTOU'),
  };
  for (let count = 4 + Math.floor(next() * 5); count > 0; count--) {
    const name = pick(...Object.keys(actions));
    said.push(name);
    await actions[name]();
    await sleep(next() * 700);
  }
  // A hung worker has to be found first.
  await sleep(hangLimitMs);
  isOver = true;
  await Promise.all(busy);
  child.kill('SIGTERM');
  let patience;
  const noEnd = new Promise((resolve) => (patience = setTimeout(resolve, 20_000, 'no end')));
  const end = await Promise.race([ended, noEnd]);
  clearTimeout(patience);
  if (end !== 0 && end !== 1) problems.push(`its end: ${end}`);
  const remaining = left(port);
  if (remaining.length > 0) problems.push(`left: ${remaining.join(', ')}`);
  for (const pid of remaining) process.kill(Number(pid), 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  return { seed, balance, said, answers, end, problems, output };
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const first = Number(values.seed);
let failures = 0;
const totals = {};
for (let seed = first; seed < first + Number(values.runs); seed++) {
  const { output, ...told } = await run(seed);
  for (const [answer, count] of Object.entries(told.answers)) totals[answer] = (totals[answer] ?? 0) + count;
  if (told.problems.length === 0) continue;
  failures++;
  console.error(`${JSON.stringify(told)}\n${output}`);
}
console.log(`${values.runs} runs from seed ${first}: ${failures} broke a promise. Answers: ${JSON.stringify(totals)}`);
process.exitCode = failures > 0 ? 1 : 0;
