/**
 * `node bench/races.mjs`: requests aimed at the moments of a shutdown at which one can be lost. Prints one table; exits
 * 1 when a request was lost without a word.
 *
 *   node bench/races.mjs [--seed N] [--count 10000] [--seconds 3600] [--flavours h1,h2c,h2s] [--framework express]
 *     [--busy] [--package dist/index.js] [--only 'new session, at the end'] [--late close-listener] [--verbose]
 *   node bench/races.mjs --told | --health [--count 2000]      what is no race: see races/pooled.mjs and
 *   races/health.mjs
 *
 * Each application is closed while requests are aimed at it: on connections that have just opened and on ones that rest
 * (HTTP/1.1), on fresh sessions and on old ones (HTTP/2, cleartext and TLS), within ±4 ms of the signal, of the flip to
 * draining, of the close of resting connections, and of the end of the drain. Where these moments lie is learnt from
 * the applications before. The seed tells the plan: how many of which, and how far from their moment. It is printed,
 * and replays.
 *
 * A request that was written when the server's close call was over can be saved by no server, and is counted apart, as
 * is one written within the last millisecond before it: between the last poll of an event loop and its close call some
 * time passes. A process that stands still between the two, for the machine runs something else, is counted apart as
 * well; a server that takes its time there itself would show in the same column, and miss the goal.
 *
 * Applications run one after the other in a process, and every other process has a single one, which a SIGTERM ends:
 * its code is cold. `--busy` runs a busy loop on the servers' core.
 */
import { execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Http1Request, Http2Request, now } from './races/clients.mjs';
import { health } from './races/health.mjs';
import { pooled } from './races/pooled.mjs';
import { fixed, median, table } from './statistics.mjs';

const { values: args } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    count: { type: 'string' },
    seconds: { type: 'string', default: '3600' },
    flavours: { type: 'string', default: 'h1,h2c,h2s' },
    framework: { type: 'string', default: 'express' },
    busy: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    late: { type: 'string' },
    told: { type: 'boolean', default: false },
    health: { type: 'boolean', default: false },
    package: { type: 'string', default: fileURLToPath(new URL('../dist/index.js', import.meta.url)) },
    verbose: { type: 'boolean', default: false },
  },
});
const packageEntry = pathToFileURL(resolvePath(args.package)).href;
const aimMs = 4;
/** What passes between the poll and the close call of a server that is as careful as one can be, ms. */
const shadowMs = 1;
/** A client writes in a turn that took no longer, ms. */
const shortTurnMs = 0.3;
/** What no server can save: see above. */
const unavoidable = ['after', 'shadow', 'stalled'];
/** Requests that no server can save may be so many of all. */
const unavoidableShare = 0.001;
const applicationsPerProcess = 10;

const titles = { h1: 'HTTP/1.1', h2c: 'HTTP/2, cleartext', h2s: 'HTTP/2, TLS' };

const folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-races-'));
const children = new Set();
/** Servers that have ended as no server should. */
const crashes = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const ec = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
execFileSync('openssl', [...ec, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
const enoughAt = now() + 1_000 * Number(args.seconds);
const isPinned = pin(process.pid, 1);
if (args.busy) busyLoop();

async function fuzz() {
  console.log(`seed ${args.seed}${args.busy ? ', busy' : ''}${isPinned ? '' : ', not pinned'}`);
  const rows = [];
  let isSound = true;
  for (const flavour of args.flavours.split(',')) {
    const requests = await aimMany(flavour, Number(args.count ?? 10_000));
    const groups = Map.groupBy ? Map.groupBy(requests, keyOf) : groupBy(requests, keyOf);
    for (const [name, group] of [...groups].sort()) rows.push(rowOf(`${titles[flavour]}: ${name}`, group));
    rows.push(rowOf(`**${titles[flavour]}**`, requests));
    const lost = requests.filter(({ verdict }) => verdict === 'lost').length;
    const beyond = requests.filter(({ verdict }) => unavoidable.includes(verdict)).length;
    if (lost > 0 || beyond > unavoidableShare * requests.length) isSound = false;
  }
  const head = [
    'Requests',
    'sent',
    `within ±${aimMs} ms`,
    'served',
    '503',
    'refused by frame',
    'connection refused',
    'written after the close call',
    `≤ ${shadowMs} ms before it`,
    'in a stall before it',
    'lost',
    'how',
  ];
  console.log(table(head, rows));
  for (const crash of crashes) console.log(`A server ended in the middle of a shutdown: ${crash}`);
  if (crashes.length > 0) isSound = false;
  process.exitCode = isSound ? 0 : 1;
}

function keyOf({ kind, moment }) {
  return `${kind}, at the ${moment}`;
}

function groupBy(items, keyFor) {
  const groups = new Map();
  for (const item of items) groups.set(keyFor(item), [...(groups.get(keyFor(item)) ?? []), item]);
  return groups;
}

function rowOf(title, all) {
  const requests = all.filter(({ verdict }) => verdict !== 'unsent');
  const count = (test) => fixed(requests.filter(test).length, 0);
  const ways = {};
  for (const { verdict, client } of requests) {
    if (verdict === 'lost' || unavoidable.includes(verdict)) {
      const way = `${verdict === 'lost' ? '' : `${verdict}: `}${client.how}`;
      ways[way] = (ways[way] ?? 0) + 1;
    }
  }
  return [
    title,
    fixed(requests.length, 0),
    count(({ offMs }) => offMs <= aimMs),
    count(({ verdict }) => verdict === 'served'),
    count(({ verdict, client }) => verdict === 'refused' && client.how === '503'),
    count(({ verdict, client }) => verdict === 'refused' && client.how !== '503'),
    count(({ verdict }) => verdict === 'unreachable'),
    count(({ verdict }) => verdict === 'after'),
    count(({ verdict }) => verdict === 'shadow'),
    count(({ verdict }) => verdict === 'stalled'),
    `**${count(({ verdict }) => verdict === 'lost')}**`,
    Object.entries(ways)
      .map(([way, times]) => `${times} × ${way}`)
      .join('; '),
  ];
}

/** Closes applications until as many requests have been aimed. */
async function aimMany(flavour, count) {
  const random = randomOf(`${args.seed} ${flavour}`);
  const learnt = new Moments();
  const requests = [];
  const sent = () => requests.filter(({ verdict }) => verdict !== 'unsent').length;
  let isSingle = false;
  while (sent() < count && now() < enoughAt) {
    const server = await startProcess(`${flavour}, seed ${args.seed}, after ${requests.length} requests`);
    const applications = isSingle ? 1 : applicationsPerProcess;
    for (let n = 0; n < applications && sent() < count && now() < enoughAt && server.child.signalCode === null; n++) {
      const likeness = isSingle ? 'signal' : n === 0 ? 'cold' : 'warm';
      requests.push(...(await aimAtOne(server, flavour, random, learnt, likeness)));
    }
    isSingle = !isSingle;
    server.child.kill('SIGKILL');
    await server.exited;
    progress(`${flavour}: ${sent()} of ${count}`);
  }
  return requests;
}

/** What tells the client that a moment is near: its own call, or the server. */
const anchors = { signal: 'signal', flip: 'flip', rest: 'flip', 'late rest': 'flip', end: 'end' };

/** How long after their announcements the moments have lain, ms: by what an application was like. */
class Moments {
  #seen = new Map();

  expect(key) {
    const seen = this.#seen.get(key);
    return seen ? median(seen) : 6;
  }

  saw(key, ms) {
    const seen = this.#seen.get(key) ?? [];
    this.#seen.set(key, [...seen, ms].slice(-9));
  }
}

/** Closes one application under aimed requests. Resolves with what became of them. */
async function aimAtOne(server, flavour, random, learnt, manner) {
  const isSignal = manner === 'signal';
  const lameDuckMs = isSignal || random() < 0.5 ? 20 : 0;
  const likeness = `${lameDuckMs} ${manner}`;
  const isHttp1 = flavour === 'h1';
  const shots = plan(isHttp1, random);
  const { port } = await server.ask('start', {
    flavour,
    framework: args.framework,
    lameDuckMs,
    holdMs: isHttp1 && shots.some(({ kind }) => kind.startsWith('old')) ? 80 : 20,
    lateRequests: args.late,
  });
  const client = () => (isHttp1 ? new Http1Request() : new Http2Request(flavour === 'h2s'));
  for (const shot of shots) shot.client = client();

  // Connections that rest: most of them have for long, some only just.
  const resting = shots.filter(({ kind }) => kind.startsWith('old'));
  const controls = isHttp1 ? [client(), client()] : [];
  const lateOnes = resting.filter(({ moment }) => moment === 'late rest').map((shot) => shot.client);
  const earlyOnes = resting.filter(({ moment }) => moment !== 'late rest').map((shot) => shot.client);
  if (isHttp1) {
    earlyOnes.push(controls[0]);
    lateOnes.push(controls[1]);
  }
  await Promise.all(earlyOnes.map((each) => each.rest(port)));
  if (earlyOnes.length > 0) await after(60);
  await Promise.all(lateOnes.map((each) => each.rest(port)));
  await after(5);

  const ended = server.next('ended');
  const closed = isSignal ? server.exited : server.next('closed');
  const announcedAt = { signal: now() + aimMs + 2 };
  const aim = async (anchor) => {
    const due = shots.filter(({ moment }) => anchors[moment] === anchor);
    for (const shot of due) shot.dueAt = announcedAt[anchor] + learnt.expect(`${shot.moment} ${likeness}`) + shot.byMs;
    for (const { dueAt, kind, client, slowMs } of due.sort((one, other) => one.dueAt - other.dueAt)) {
      client.lookedAt = await until(dueAt);
      if (kind.startsWith('new')) void client.fireFresh(port, slowMs);
      else client.fire();
    }
  };
  const aiming = ['flip', 'end'].map(async (anchor) => {
    announcedAt[anchor] = (await server.next(anchor)) ?? now();
    await aim(anchor);
  });
  aiming.push(aim('signal'));
  await until(announcedAt.signal);
  if (isSignal) server.child.kill('SIGTERM');
  else server.child.send(['close']);
  await Promise.all(aiming);
  await Promise.all(shots.map((shot) => shot.client.ended));
  const times = (await ended) ?? { listenerClosed: 0, closes: {} };
  for (const each of controls) each.socket?.destroy();
  await closed;

  const [early, late] = controls.map(({ port }) => times.closes[port]);
  const at = { signal: times.signal, flip: times.flip, end: times.listenerClosed, rest: early, 'late rest': late };
  for (const [moment, anchor] of Object.entries(anchors)) {
    if (at[moment]) learnt.saw(`${moment} ${likeness}`, at[moment] - announcedAt[anchor]);
  }
  // When a resting connection would have been closed is not known of one that has spoken: others tell.
  for (const shot of shots) judge(shot, times, at[shot.moment] ?? shot.dueAt, likeness);
  return shots;
}

/** How many of which, and how far from their moments. */
function plan(isHttp1, random) {
  const shares = isHttp1
    ? [
        ['new connection', 'signal', 6],
        ['new connection', 'flip', 10],
        ['new connection', 'end', 4],
        ['old connection', 'signal', 4],
        ['old connection', 'flip', 8],
        ['old connection', 'rest', 10],
        ['old connection', 'late rest', 8],
      ]
    : [
        ['new session', 'signal', 6],
        ['new session', 'flip', 8],
        ['new session', 'end', 3],
        ['old session', 'signal', 6],
        ['old session', 'flip', 14],
      ];
  const wanted = shares.filter(([kind, moment]) => keyOf({ kind, moment }).includes(args.only));
  if (wanted.length === 0) throw new Error(`no requests are ${args.only}`);
  const times = args.only ? Math.max(1, Math.floor(4 / wanted.reduce((all, [, , some]) => all + some, 0))) : 1;
  const shots = [];
  for (const [kind, moment, some] of wanted) {
    for (let n = 0; n < some * times; n++) {
      // Half of those that open a connection take a moment to write on it.
      shots.push({ kind, moment, byMs: (random() + random() - 1) * aimMs, slowMs: Math.max(0, 4 * random() - 2) });
    }
  }
  return shots;
}

/** Says what became of a request, by what its client saw and the server's own account. */
function judge(shot, { listenerClosed, listenerGone, listenerLook, accepts, closes, gone, looks }, at, manner) {
  const { client } = shot;
  shot.offMs = Math.min(...[client.writtenAt, client.askedAt].map((each) => Math.abs(each - at) || Infinity));
  shot.verdict = client.outcome;
  if (client.outcome !== 'lost') return;
  // Over HTTP/2 a server that has closed its side can still read, and says with its last word what it has not begun.
  if (client instanceof Http2Request && closes[client.port]) return;
  // A connection that the server never saw was in the backlog of its listener.
  const wroteAt = closes[client.port] ? (client.writtenAt ?? client.askedAt) : client.askedAt;
  const closedAt = closes[client.port] ?? listenerClosed;
  const lookedAt = closes[client.port] ? looks[client.port] : listenerLook;
  if (client.how !== 'silent' && wroteAt >= closedAt) shot.verdict = 'after';
  else if (client.how !== 'silent' && closedAt - wroteAt < shadowMs) shot.verdict = 'shadow';
  else if (client.how !== 'silent' && wroteAt >= lookedAt) shot.verdict = 'stalled';
  if (args.verbose) {
    const accepted = accepts[client.port];
    const account = [
      `asked ${fixed(closedAt - client.askedAt, 2)} ms`,
      client.writtenAt === undefined ? 'not written' : `written ${fixed(closedAt - client.writtenAt, 2)} ms`,
      accepted ? `accepted ${fixed(closedAt - accepted, 2)} ms` : 'not accepted, ever',
      `looked ${fixed(closedAt - lookedAt, 2)} ms`,
      `call took ${fixed((closes[client.port] ? gone[client.port] : listenerGone) - closedAt, 2)} ms`,
      `client looked ${fixed(closedAt - client.lookedAt, 2)} ms, began to write ${fixed(closedAt - client.writesAt, 2)} ms`,
      manner,
      `known to fail ${fixed(closedAt - client.endedAt, 2)} ms`,
    ];
    const what = closes[client.port] ? 'its connection' : 'the listener';
    console.error(`${shot.verdict}: ${keyOf(shot)}, ${client.how}: ${account.join(', ')} before the close of ${what}`);
  }
}

/** A process that runs applications one after the other. */
async function startProcess(what = 'a server') {
  const child = fork(fileURLToPath(new URL('races/server.mjs', import.meta.url)), [packageEntry], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: key, BENCH_CERT: cert },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(child);
  pin(child.pid, 0);
  const waiting = new Map();
  child.on('message', (message) => {
    const [name] = Object.keys(message);
    waiting.get(name)?.(message[name]);
    waiting.delete(name);
  });
  const next = (name) => new Promise((resolve) => waiting.set(name, resolve));
  const exited = once(child, 'exit').finally(() => children.delete(child));
  void exited.then(([code, signal]) => {
    // A SIGTERM ends it when its application has closed, and SIGKILL is ours.
    if (code === 0 || signal === 'SIGTERM' || signal === 'SIGKILL') return;
    crashes.push(`${what}: ${signal ?? `exit ${code}`}`);
    for (const resolve of waiting.values()) resolve(undefined);
    waiting.clear();
  });
  await next('ready');
  const ask = async (command, setup) => {
    const answer = next('port');
    child.send([command, setup]);
    return { port: await answer };
  };
  return { child, exited, next, ask };
}

/**
 * Resolves at `at`, to some hundredths of a millisecond: a timer first, then turns of the event loop. Right behind a
 * poll, and in a short turn, always: a client that has not looked whether the server has closed its connection loses
 * requests by its own fault. With the instant at which that turn, and its poll, began.
 */
async function until(at) {
  const leftMs = at - now();
  if (leftMs > 3) await after(leftMs - 2);
  let turnBeganAt;
  let turnEndedAt;
  let longTurns = 0;
  do {
    turnBeganAt = now();
    await new Promise((resolve) => setImmediate(resolve));
    // Read once: a client that stands still between two readings would take a turn of milliseconds for a short one.
    turnEndedAt = now();
  } while (turnEndedAt < at || (turnEndedAt - turnBeganAt > shortTurnMs && ++longTurns < 50));
  return turnBeganAt;
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function pin(pid, core) {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function busyLoop() {
  const child = spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;) Math.sqrt(2)'], { stdio: 'ignore' });
  children.add(child);
  child.once('exit', () => children.delete(child));
}

function progress(text) {
  if (process.stderr.isTTY || args.verbose) console.error(text);
}

/** mulberry32, seeded by a text. */
function randomOf(text) {
  let state = 0;
  for (const letter of text) state = (Math.imul(state, 31) + letter.charCodeAt(0)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (args.told) await pooled(startProcess, args.framework, Number(args.count ?? 2_000));
else if (args.health) await health(startProcess, Number(args.count ?? 2_000));
else await fuzz();
process.exit();
