/**
 * `node bench/memory.mjs`: what an application that is not being stopped pays for the module, beside bare Nest. Prints
 * its tables; exits 1 when a goal is missed.
 *
 *   node bench/memory.mjs [--only aborts,unclosed,bootstrap,closing] [--aborts 10000] [--repeats 9] [--package
 *   dist/index.js]
 *
 * Aborts: clients leave in the middle of a request whose handler never settles (an upload awaited by 'end', a download
 * awaited by 'finish'). Live heap that stays for each, and the shutdown after them. Unclosed: applications that are
 * initialised, dropped, and never closed, as in many test suites. Live heap that stays for each. Bootstrap: 100
 * modules, 1,500 providers, 900 routes: create and init, and close. Closing: `app.close()` behind a `fetch`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { fixed, median, table } from './statistics.mjs';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string', default: 'aborts,unclosed,bootstrap,closing' },
    aborts: { type: 'string', default: '10000' },
    repeats: { type: 'string', default: '9' },
    package: { type: 'string', default: fileURLToPath(new URL('../dist/index.js', import.meta.url)) },
  },
});
const packageEntry = pathToFileURL(resolvePath(args.package)).href;
const children = new Set();
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));
const frameworks = ['express', 'fastify'];
const variants = ['bare', 'module'];
const repeats = Number(args.repeats);
/** One that has not ended by then never does. */
const longestMs = 40_000;
const missed = [];

const parts = { aborts, unclosed, bootstrap, closing };
for (const name of args.only.split(',')) console.log(`${await parts[name]()}\n`);
for (const each of missed) console.log(`missed: ${each}`);
process.exit(missed.length > 0 ? 1 : 0);

function goal(isMet, text) {
  if (!isMet) missed.push(text);
}

async function aborts() {
  const rows = [];
  const count = Number(args.aborts);
  for (const framework of frameworks) {
    for (const kind of ['upload', 'download']) {
      const bytes = {};
      for (const variant of variants) {
        const application = await start('aborts', framework, variant);
        const { port } = application.hello;
        await abort(application, port, kind, 1_000);
        const before = await application.ask('heap');
        await abort(application, port, kind, count);
        bytes[variant] = ((await application.ask('heap')) - before) / count;
        const signalledAt = performance.now();
        application.child.kill('SIGTERM');
        const killer = setTimeout(() => application.child.kill('SIGKILL'), longestMs);
        const [code, signal] = await application.exited;
        clearTimeout(killer);
        const ms = performance.now() - signalledAt;
        const { report } = application;
        rows.push([
          `${framework}, ${kind}, ${variant}`,
          fixed(count, 0),
          fixed(bytes[variant], 0),
          fixed(ms, 0),
          String(signal ?? code),
          report ? `${report.outcome}, ${report.clean ? 'clean' : 'not clean'}` : '–',
        ]);
        if (!report) continue;
        // What garbage collection leaves is no more exact than that.
        const limit = Math.max(1.5 * bytes.bare, bytes.bare + 100);
        goal(bytes.module <= limit, `${rows.at(-1)[0]}: ${fixed(bytes.module, 0)} bytes, at most ${fixed(limit, 0)}`);
        goal(ms < 1_500 && report.clean, `${rows.at(-1)[0]}: shutdown after ${fixed(ms, 0)} ms, ${rows.at(-1)[5]}`);
      }
    }
  }
  const head = ['Clients that have left', 'aborts', 'bytes kept of each', 'SIGTERM → exit, ms', 'exit', 'report'];
  return table(head, rows);
}

/** Has clients leave in the middle of their requests, 50 at a time, once their handlers have begun. */
async function abort(application, port, kind, count) {
  const head =
    kind === 'upload'
      ? 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nsome'
      : 'GET /download HTTP/1.1\r\nHost: x\r\n\r\n';
  const before = await application.ask('begun');
  for (let done = 0; done < count; done += 50) {
    const sockets = Array.from({ length: Math.min(50, count - done) }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(head);
      return socket;
    });
    while ((await application.ask('begun')) < before + done + sockets.length) await after(1);
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
  }
  await after(200);
}

async function unclosed() {
  const rows = [];
  for (const framework of frameworks) {
    const bytes = {};
    for (const variant of variants) {
      const { hello } = await start('unclosed', framework, variant);
      bytes[variant] = hello.bytes;
      rows.push([`${framework}, ${variant}`, fixed(hello.bytes / 1024, 1), fixed(hello.warnings, 0)]);
    }
    // Caches of Nest's and of V8's vary by that much from run to run.
    goal(
      bytes.module - bytes.bare < 1_024,
      `${framework}: ${fixed(bytes.module, 0)} bytes kept, bare ${fixed(bytes.bare, 0)}`,
    );
  }
  return table(['Applications never closed', 'KiB kept of each', 'warnings'], rows);
}

async function bootstrap() {
  const seen = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let n = 0; n < repeats; n++) {
    for (const variant of n % 2 ? variants : variants.toReversed()) {
      seen[variant].push((await start('bootstrap', 'express', variant)).hello);
    }
  }
  const of = (variant, field) => median(seen[variant].map((each) => each[field]));
  const ratio = of('module', 'bootstrapMs') / of('bare', 'bootstrapMs');
  goal(ratio <= 1.1, `bootstrap is ${fixed(ratio, 2)} × bare, at most 1.1`);
  const rows = variants.map((variant) => [
    variant,
    fixed(of(variant, 'bootstrapMs'), 1),
    fixed(of(variant, 'bootstrapMs') / of('bare', 'bootstrapMs'), 2),
    fixed(of(variant, 'closeMs'), 1),
  ]);
  return table(['100 modules, 1,500 providers, 900 routes', 'bootstrap, ms', '× bare', 'close, ms'], rows);
}

async function closing() {
  const rows = [];
  for (const framework of frameworks) {
    const ms = {};
    for (const variant of variants) {
      ms[variant] = median((await start('closing', framework, variant)).hello.closeMs);
      rows.push([`${framework}, ${variant}`, fixed(ms[variant], 2)]);
    }
    goal(ms.module - ms.bare <= 5, `${framework}: close takes ${fixed(ms.module, 1)} ms, bare ${fixed(ms.bare, 1)}`);
  }
  return table(['app.close() behind a fetch', 'median, ms'], rows);
}

/** Starts a measurement. Resolves with the first thing it says. */
async function start(what, framework, variant) {
  const file = fileURLToPath(new URL('memory/application.mjs', import.meta.url));
  const child = fork(file, [what, framework, variant, packageEntry], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.add(child);
  const exited = once(child, 'exit').finally(() => children.delete(child));
  const [hello] = await once(child, 'message');
  const application = { child, exited, hello, report: undefined };
  child.on('message', ({ report }) => (application.report = report ?? application.report));
  application.ask = async (what) => {
    child.send(what);
    for (;;) {
      const [answer] = await once(child, 'message');
      if (what in answer) return answer[what];
    }
  };
  return application;
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
