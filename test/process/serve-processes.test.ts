import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { promisify } from 'node:util';
import { oneKeystrokeMs } from '../../src/sequence/keystroke.js';
import { bindOnly, type ListenHandle } from '../../src/serve/insides.js';
import { certificate } from '../support/certificate.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build } from './support/child.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';
import { endServed, isAlive, Served, until } from './support/served.js';

beforeAll(build);
afterEach(endServed);

interface Bare {
  readonly pid: number;
  readonly place: string;
}

/** Asks on a connection of its own. */
function ask({ port, socketPath }: { port?: number; socketPath?: string }, path = '/'): Promise<Bare> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, socketPath, path, agent: new Agent() }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => resolve(JSON.parse(body) as Bare));
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('A worker that hangs', () => {
  it('is replaced, and what it had not taken goes to others', async () => {
    // A worker that a busy machine does not get round to is silent for less.
    const served = await Served.start({ workers: 2, release: 'bare', options: ['--hang-limit', '4s'] });
    const hung = ask(served, '/hang').catch(() => 'lost');
    await served.says(/hanging/);
    const startedAt = performance.now();
    const times = await Promise.all(
      Array.from({ length: 6 }, () => ask(served).then(() => performance.now() - startedAt)),
    );
    // It is found long before the hang limit there is by default.
    expect(Math.max(...times)).toBeLessThan(15_000);
    expect(await hung).toBe('lost');
    await served.says(/it hangs: nothing has been heard of it/);
    await until(async () => (await served.serving()).length === 2);
    expect((await served.order('status')).output).toMatch(/1 restarts, 1 hangs/);
  });
});

describe('A worker that has no descriptor left', () => {
  it('lives, and takes its clients once it has', async () => {
    const served = await Served.start({ workers: 1, release: 'bare' });
    const [pid] = await served.serving();
    const limit = (count: number) => promisify(execFile)('prlimit', ['--pid', String(pid), `--nofile=${count}:`]);
    await limit(3);
    const asked = ask(served);
    const seconds = new Set<string | undefined>();
    const ageWithout = /(\d+) s, .* 1 untaken/;
    // Longer than a worker takes to say that it lives.
    await until(async () => seconds.add(ageWithout.exec((await served.order('status')).output)?.[1]).size > 3);
    await limit(1_024);
    expect(await asked).toMatchObject({ pid });
  });
});

describe('Workers whose supervisor is killed', () => {
  it('end by themselves, and finish what they have in hand', async () => {
    const served = await Served.start({ workers: 2 });
    const pids = await served.serving();
    const headers = { Expect: '100-continue' };
    const slow = request({ host: '127.0.0.1', port: served.port, path: '/slow', headers, agent: new Agent() }).end();
    const answered = once(slow, 'response') as Promise<[IncomingMessage]>;
    // A worker has it in hand.
    await once(slow, 'continue');
    process.kill(served.pid, 'SIGKILL');
    const [answer] = await answered;
    expect(answer.resume().statusCode).toBe(200);
    await until(async () => pids.every((pid) => !isAlive(pid)));
  });

  it('finish it, too, when they write to nobody before they learn of it', async () => {
    const gate = join(temporaryFolder(), 'gate');
    const served = await Served.start({ workers: 1, release: 'bare', settings: { gate, hold: 1_500 } });
    const slow = ask(served, '/slow');
    await served.says(/in hand/);
    const busy = ask(served, '/busy');
    await served.says(/busy/);
    process.kill(served.pid, 'SIGKILL');
    await served.ended;
    writeFileSync(gate, '');
    const { pid } = await slow;
    expect(await busy).toMatchObject({ pid });
    await until(() => !isAlive(pid));
  });
});

describe('An application that knows nothing of it', () => {
  it('is served on several ports and paths, and dealt to in turn', async () => {
    const served = await Served.start({ workers: 2, release: 'bare', settings: { path: 'socket' } });
    const path = join(served.folder, 'socket');
    // A worker is dealt to on each port once it listens there.
    const seen = new Set<string>();
    await until(async () => seen.add((await ask(served)).place).size === 2);
    const places: string[] = [];
    // One after the other: of two that come at once, the worker that takes more slowly gets fewer.
    while (places.length < 20) places.push((await ask(served)).place);
    // The fullest has at most 1.3 times the mean.
    const [first, second] = ['1', '2'].map((each) => places.filter((place) => place === each).length);
    expect(Math.max(first!, second!)).toBeLessThanOrEqual(13);
    const before = await ask({ socketPath: path });
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    expect((await ask({ socketPath: path })).pid).not.toBe(before.pid);
    expect(served.output).toMatch(/^\[2\] listening$/m);
  });

  it('finishes what it has in hand before it is told to end, although it does not listen for SIGTERM', async () => {
    const served = await Served.start({ workers: 1, release: 'bare', settings: { hold: 1_500 } });
    const [{ pid }, slow] = [await ask(served), ask(served, '/slow')];
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    expect(await slow).toMatchObject({ pid });
    await until(async () => !isAlive(pid));
  });

  it('finishes what it has in hand at Ctrl-C, which reaches the supervisor alone', async () => {
    const setup = { workers: 2, release: 'bare', settings: { hold: 1_500 }, isInTerminal: true };
    const served = await Served.start(setup);
    const slow = ask(served, '/slow');
    await served.says(/in hand/);
    served.pressCtrlC();
    expect(await slow).toMatchObject({ pid: expect.any(Number) });
    expect(await served.ended).toMatchObject({ end: 0 });
    expect(served.output).toContain('SIGINT: 2 workers stop');
  });

  it('loses what it has in hand at the second Ctrl-C, and the exit code tells', async () => {
    const served = await Served.start({ workers: 1, release: 'bare', settings: { hold: 20_000 }, isInTerminal: true });
    const slow = ask(served, '/slow').catch(() => 'lost');
    await served.says(/in hand/);
    served.pressCtrlC();
    await served.says(/SIGINT: 1 workers stop/);
    // What comes sooner is the same keystroke.
    await new Promise((resolve) => setTimeout(resolve, oneKeystrokeMs + 50));
    // It may have stood still. Between two answers it has heard all there was to hear, and its timers have fired.
    for (let answers = 0; answers < 2; answers++) await served.order('status');
    served.pressCtrlC();
    expect(await slow).toBe('lost');
    expect(await served.ended).toMatchObject({ end: 1 });
  });

  it('is said to serve when it accepts, and no sooner', async () => {
    const options = ['--balance', 'shared'];
    const served = await Served.start({ workers: 1, release: 'bare', settings: { busyMs: 1_000 }, options });
    expect(await ask(served)).toMatchObject({ place: '1' });
  });

  it('resumes sessions of TLS on any worker', async () => {
    const { key, cert } = certificate();
    const port = await freePort();
    const served = await Served.start({ workers: 2, release: 'bare', settings: { secure: { port, key, cert } } });
    const resumed: boolean[] = [];
    let session: Buffer | undefined;
    for (let turn = 0; turn < 7; turn++) {
      const socket = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false, session });
      socket.once('session', (given) => (session = given));
      socket.once('secureConnect', () => resumed.push(socket.isSessionReused()));
      socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      socket.resume();
      await once(socket, 'close');
    }
    expect(resumed).toEqual([false, ...Array<boolean>(6).fill(true)]);
    expect(served.output).toContain('2 workers serve');
  });
});

describe('A deployment', () => {
  it('is followed when the link is moved, and told of on a port', async () => {
    const statusPort = await freePort();
    const served = await Served.start({
      workers: 1,
      release: 'bare',
      options: ['--watch-release', 'current', '--probation', '100ms', '--status-port', String(statusPort)],
    });
    served.deploy('crashing');
    await served.says(/version 2 was rolled back/);
    served.deploy('barer');
    await served.says(/version 3 serves/);
    const metrics = await (await fetch(`http://127.0.0.1:${statusPort}/metrics`)).text();
    expect(metrics).toMatch(/^nestjs_drain_serve_rolled_back_total 1$/m);
    expect(metrics).toMatch(/^nestjs_drain_serve_workers\{phase="serving"\} 1$/m);
    expect(await (await fetch(`http://127.0.0.1:${statusPort}/status`)).json()).toMatchObject({ version: 3 });
  });

  it('may delete the release that the group was started from, and whoever clears temporary folders, theirs', async () => {
    const served = await Served.start({
      workers: 1,
      release: 'bare',
      settings: { path: 'socket' },
      options: ['--probation', '0s'],
      isInRelease: true,
    });
    served.deploy('barer');
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    const temporary = readdirSync(served.folder).filter((name) => name.startsWith('nestjs-drain-'));
    expect(temporary).toHaveLength(1);
    for (const name of ['bare', ...temporary]) rmSync(join(served.folder, name), { recursive: true });
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    expect((await served.order('status')).output).toMatch(/0 restarts/);
  });
});

describe('A socket that no version asks for', () => {
  it('is closed, also where the one that asked for it was rolled back', async () => {
    const served = await Served.start({ workers: 1, release: 'bare', options: ['--probation', '10s'] });
    const path = join(served.folder, 'more');
    served.deploy('greedy');
    expect(await served.order('reload')).toMatchObject({ code: 1 });
    expect(existsSync(path)).toBe(true);
    await until(() => !existsSync(path));
  });
});

describe('A group in a unit', () => {
  it.each(['round-robin', 'shared'])('takes the socket it is given, and leaves it open (%s)', async (balance) => {
    // Nobody accepts from it here.
    const socket = bindOnly('127.0.0.1', 0, 4) as ListenHandle;
    const address: { port?: number } = {};
    socket.getsockname!(address);
    const port = address.port!;
    const setup = { workers: 1, release: 'bare', settings: { port }, options: ['--balance', balance], socket };
    const first = await Served.start(setup);
    const { pid } = await ask({ port });
    first.signal('SIGTERM');
    expect(await first.ended).toMatchObject({ end: 0 });
    // Nobody serves, and nobody is refused.
    const waiting = ask({ port });
    const second = await Served.start(setup);
    expect((await waiting).pid).not.toBe(pid);
    expect(second.output).toContain('1 workers serve');
    socket.close();
  });

  it('tells systemd that it is ready, reloads, and stops', async () => {
    const setup = { workers: 1, release: 'bare', settings: { hold: 1_500 }, options: ['--probation', '0s'] };
    const served = await Served.launch({ ...setup, isUnit: true });
    const said = () => readFileSync(join(served.folder, 'said'), 'utf8');
    // What is told while systemd-notify still tells of something else comes in one line, in any order.
    await until(async () => /^READY=1 STATUS=serving, version 1/m.test(said()));
    expect(await served.order('reload')).toMatchObject({ code: 0 });
    await until(async () => /^(?=.*READY=1).*STATUS=serving, version 2/m.test(said()));
    expect(said()).toMatch(/^(?=.*RELOADING=1)(?=.*MONOTONIC_USEC=\d+).*STATUS=(reloading|serving, version 2)/m);
    await until(async () => /WATCHDOG=1/.test(said()));
    const slow = ask(served, '/slow');
    await served.says(/in hand/);
    served.signal('SIGTERM');
    await until(async () => /^(?=.*STOPPING=1).*EXTEND_TIMEOUT_USEC=10000000/m.test(said()));
    await slow;
    await served.ended;
  });
});

describe('Random reloads, bad versions, crashes, hangs and signals', () => {
  it('never refuse a connection, never mix versions, and leave no process', async () => {
    const node = process.env.DRAIN_NODE ?? process.execPath;
    // More of them give figures: node bench/serve-fuzz.mjs --runs 200
    const fuzz = promisify(execFile)(node, ['bench/serve-fuzz.mjs', '--runs', process.env.DRAIN_ROLLS ?? '2']);
    expect((await fuzz).stdout).toMatch(/ 0 broke a promise/);
  }, 120_000);
});
