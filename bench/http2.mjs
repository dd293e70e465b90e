/**
 * `node bench/http2.mjs`: HTTP/2 streams that race a shutdown, and the end of idle sessions. Writes http2.md beside
 * itself.
 *
 *   node bench/http2.mjs [--streams 100000] [--sessions 20] [--open 4] [--idle 5000] [--only races,idle] [--flavours
 *   cleartext,tls,mixed] [--out DIR]
 *
 * Races: clients (node:http2) keep opening streams through the flip, on sessions that each have a few open at a time. A
 * replica is asked to end while its successor runs; sessions that are told to leave are replaced by ones to the
 * successor. A stream that the server has refused unexecuted is sent again, once, on a new session. It counts as lost
 * when it ends in any other way than with its own answer, as silent when it does not end. The server's ledger has every
 * stream whose handler began.
 */
import { execFileSync, fork } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { buildPackages } from '../scripts/setup-sample.mjs';
import { fixed, table } from './statistics.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values: args } = parseArgs({
  options: {
    streams: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '20' },
    open: { type: 'string', default: '4' },
    idle: { type: 'string', default: '5000' },
    only: { type: 'string', default: 'races,idle' },
    flavours: { type: 'string', default: 'cleartext,tls,mixed' },
    out: { type: 'string', default: here },
  },
});
const wanted = { streams: Number(args.streams), sessions: Number(args.sessions), open: Number(args.open) };
/** The default of the module. */
const lameDuckMs = 5_000;
/** A stream without an end for this long is silent. */
const silentMs = 10_000;
const notice = 2 ** 31 - 1;

buildPackages();
const folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-http2-'));
const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const packageEntry = snapshotOfPackage();
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const ec = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
execFileSync('openssl', [...ec, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });

const parts = [];
if (args.only.includes('races')) parts.push(await races());
if (args.only.includes('idle')) parts.push(await idle(Number(args.idle)));
const page = `# HTTP/2\n\nNode ${process.version}, \`node bench/http2.mjs\`.\n\n${parts.join('\n\n')}\n`;
writeFileSync(join(args.out, 'http2.md'), await format(page, { parser: 'markdown' }));
console.log(page);
process.exit(0);

async function races() {
  const rows = [];
  for (const flavour of args.flavours.split(',')) {
    rows.push(rowOf(`${flavour}, spread over the lame duck`, await race(flavour, 'with', lameDuckMs, wanted.streams)));
  }
  for (const flavour of args.flavours.split(',')) {
    const fewer = wanted.streams / 10;
    rows.push(rowOf(`${flavour}, no lame duck: all at once`, await race(flavour, 'with', 0, fewer)));
    rows.push(rowOf(`${flavour}, bare Nest`, await race(flavour, 'without', 0, fewer)));
  }
  const head = [
    '',
    'Streams',
    'Lost',
    'Silent',
    'Refused, sent again',
    'Answered then',
    'Sessions told',
    'In order',
    'Longest shutdown, ms',
  ];
  return `## Streams that race the flip\n\n${table(head, rows)}`;
}

function rowOf(title, it) {
  const share = it.refused === 0 ? '' : ` (${fixed((100 * it.refused) / it.streams, 3)} %)`;
  return [
    title,
    fixed(it.streams, 0),
    fixed(it.lost, 0),
    fixed(it.silent, 0),
    `${fixed(it.refused, 0)}${share}`,
    fixed(it.answeredThen, 0),
    fixed(it.told, 0),
    fixed(it.inOrder, 0),
    fixed(it.longestMs, 0),
  ];
}

/** Rolls replicas until as many streams have been opened. */
async function race(flavour, manner, duckMs, streams) {
  const ledger = join(folder, `ledger-${flavour}-${manner}-${duckMs}`);
  const start = () => startServer(flavour, manner, ledger, duckMs);
  const all = { streams: 0, lost: 0, silent: 0, refused: 0, answeredThen: 0, told: 0, inOrder: 0, longestMs: 0 };
  const answered = [];
  let current = await start();
  let isOver = false;
  const kinds = {};

  const openSession = () => {
    const { port } = current;
    const session = connect(`${flavour === 'cleartext' ? 'http' : 'https'}://127.0.0.1:${port}`, {
      rejectUnauthorized: false,
    });
    session.on('error', () => undefined);
    const goaways = [];
    session.on('goaway', (_code, last) => goaways.push(last));
    session.once('close', () => {
      if (goaways.length === 0) return;
      all.told++;
      // A client may well leave at the notice, before it hears the last word.
      if (goaways[0] === notice && goaways.slice(1).every((last) => last < notice)) all.inOrder++;
    });
    return session;
  };
  const usable = (session) => !session.closed && !session.destroyed;

  const ask = (session, n) =>
    new Promise((resolve) => {
      let body = '';
      const overdue = setTimeout(() => resolve('silent'), silentMs);
      const stream = session.request({ ':path': `/streams/${n}` });
      stream.setEncoding('utf8').on('data', (text) => (body += text));
      stream.on('error', () => undefined);
      stream.once('close', () => {
        clearTimeout(overdue);
        if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) resolve('refused');
        else if (stream.rstCode === constants.NGHTTP2_NO_ERROR && body === `answer ${n}`) resolve('answered');
        else resolve(`reset ${stream.rstCode}`);
      });
    });

  const client = async () => {
    let session = openSession();
    const one = async () => {
      while (!isOver) {
        if (!usable(session)) session = openSession();
        const n = all.streams++;
        let end = await ask(session, n);
        if (end === 'refused') {
          all.refused++;
          const fresh = openSession();
          end = await ask(fresh, n);
          fresh.close();
          if (end === 'answered') all.answeredThen++;
        }
        if (end === 'answered') answered.push(n);
        else if (end === 'silent') all.silent++;
        else all.lost++;
        if (end !== 'answered') kinds[end] = (kinds[end] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: wanted.open }, one));
    session.close();
  };

  const clients = Array.from({ length: wanted.sessions }, client);
  while (all.streams < streams) {
    await after(500);
    const old = current;
    current = await start();
    const signalledAt = performance.now();
    old.child.kill('SIGTERM');
    // One that never ends is killed, as a platform would.
    const killer = setTimeout(() => old.child.kill('SIGKILL'), duckMs + 8_000);
    await old.exited;
    clearTimeout(killer);
    all.longestMs = Math.max(all.longestMs, performance.now() - signalledAt);
  }
  isOver = true;
  await Promise.all(clients);
  current.child.kill('SIGKILL');
  await current.exited;

  const begun = new Set(readFileSync(ledger, 'utf8').split('\n'));
  const unheardOf = answered.filter((n) => !begun.has(String(n))).length;
  if (unheardOf > 0) throw new Error(`${unheardOf} answers of handlers that never began: the ledger is wrong`);
  console.error(flavour, manner, duckMs, JSON.stringify(all), JSON.stringify(kinds));
  return all;
}

/** Sessions that have answered a stream and rest, and what becomes of them at once. */
async function idle(count) {
  const rows = [];
  for (const flavour of ['cleartext', 'tls']) {
    for (const manner of ['with', 'without']) {
      const server = await startServer(flavour, manner, join(folder, 'idle'), 0, ['--expose-gc']);
      const before = await memoryOf(server);
      const sessions = [];
      for (let at = 0; at < count; at += 50) {
        const some = Array.from({ length: Math.min(50, count - at) }, async () => {
          const session = connect(`${flavour === 'cleartext' ? 'http' : 'https'}://127.0.0.1:${server.port}`, {
            rejectUnauthorized: false,
          });
          session.on('error', () => undefined);
          const stream = session.request({ ':path': '/streams/0' });
          stream.resume();
          await once(stream, 'close');
          return session;
        });
        sessions.push(...(await Promise.all(some)));
      }
      const memory = await memoryOf(server);
      const signalledAt = performance.now();
      server.child.kill('SIGTERM');
      const killer = setTimeout(() => server.child.kill('SIGKILL'), 20_000);
      const [code, signal] = await server.exited;
      clearTimeout(killer);
      const ms = performance.now() - signalledAt;
      for (const session of sessions) session.destroy();
      rows.push([
        `${flavour}, ${manner === 'with' ? 'nestjs-drain' : 'bare Nest'}`,
        fixed(count, 0),
        fixed((memory.heapUsed - before.heapUsed) / count, 0),
        fixed((memory.rss - before.rss) / count / 1_024, 1),
        signal === 'SIGKILL' ? 'killed after 20,000' : fixed(ms, 0),
        server.report?.outcome ?? (signal || code),
      ]);
      console.error(rows.at(-1).join(' | '));
    }
  }
  const head = ['', 'Idle sessions', 'Heap of each, bytes', 'RSS of each, kB', 'SIGTERM → exit, ms', 'Outcome'];
  return `## Idle sessions\n\n${table(head, rows)}`;
}

async function memoryOf({ child }) {
  child.send('memory');
  for (;;) {
    const [{ memory }] = await once(child, 'message');
    if (memory) return memory;
  }
}

async function startServer(flavour, manner, ledger, duckMs, execArgv = []) {
  const child = fork(join(here, 'http2-server.mjs'), [flavour, manner, ledger, String(duckMs), packageEntry], {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: key, BENCH_CERT: cert },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(child);
  const exited = once(child, 'exit').finally(() => children.delete(child));
  const [{ port }] = await once(child, 'message');
  const server = { child, exited, port, report: undefined };
  child.on('message', ({ report }) => (server.report = report ?? server.report));
  return server;
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The package as it is now: it may be built again while this runs. */
function snapshotOfPackage() {
  const copy = join(here, `../.cache/bench-http2-${process.pid}`);
  mkdirSync(copy, { recursive: true });
  cpSync(join(here, '../dist'), copy, { recursive: true });
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  return join(copy, 'index.js');
}
