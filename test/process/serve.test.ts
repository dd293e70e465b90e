import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build } from './support/child.js';
import { GroupLoad } from './support/group-load.js';
import { endServed, isAlive, Served, until } from './support/served.js';

/** More of them give figures; one sees whether something is lost. */
const rolls = Number(process.env.DRAIN_ROLLS ?? 1);
const patienceMs = 120_000 + rolls * 30_000;
const ready = ['--ready', '/health/ready'];
const nothingLost = { lost: {}, failedProbes: 0, notOnce: 0 };

beforeAll(build);
afterEach(endServed);

describe('nestjs-drain reload', () => {
  it.each([
    { balance: 'round-robin', framework: 'express' },
    { balance: 'shared', framework: 'fastify' },
  ])(
    'replaces every worker, and loses nothing ($balance, $framework)',
    async ({ balance, framework }) => {
      const served = await Served.start({
        workers: 2,
        options: [...ready, '--balance', balance],
        settings: { framework },
      });
      const before = await served.serving();
      const load = new GroupLoad(served.port, served.ledger);
      const times: number[] = [];
      for (let roll = 0; roll < rolls; roll++) {
        served.deploy(roll % 2 === 0 ? 'better' : 'good');
        const startedAt = performance.now();
        expect(await served.order('reload')).toMatchObject({ code: 0 });
        times.push(Math.round(performance.now() - startedAt));
      }
      const figures = await load.end();
      process.stderr.write(`\n${JSON.stringify({ balance, framework, ...figures, times })}\n`);
      expect(figures).toMatchObject(nothingLost);
      // Each of its clients has asked again and again, however slow the machine is.
      expect(figures.requests).toBeGreaterThan(100);
      const after = await served.serving();
      expect(after).toHaveLength(2);
      expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    },
    patienceMs,
  );

  it(
    'fails where the new version does, and the old one goes on',
    async () => {
      const served = await Served.start({
        workers: 2,
        options: [...ready, '--ready-timeout', '10s', '--probation', '20s'],
      });
      const before = await served.serving();
      const load = new GroupLoad(served.port, served.ledger, 1);
      for (const [release, why] of [
        ['crashing', /rolled back: worker 1: it ended \(exit code 1\) before it was ready/],
        ['unready', /not ready after 10000 ms: \/health\/ready answers 503/],
        ['short-lived', /ended \(exit code 3\) on its probation of 20000 ms/],
      ] as const) {
        served.deploy(release);
        const { code, output } = await served.order('reload');
        expect(output).toMatch(why);
        expect(output).not.toContain('\n');
        expect(code).toBe(1);
      }
      expect(await load.end()).toMatchObject(nothingLost);
      expect(await served.serving()).toEqual(before);
      // What is started again is the version that served.
      process.kill(before[0]!, 'SIGKILL');
      await served.says(/it ended \(SIGKILL\)/);
      await until(async () => (await served.serving()).length === 2);
    },
    patienceMs,
  );

  it('is asked for four times while it runs, and runs once more', async () => {
    const gate = join(temporaryFolder(), 'gate');
    writeFileSync(gate, '');
    const options = ['--ready', '/ready', '--probation', '100ms'];
    const served = await Served.start({ workers: 2, release: 'bare', settings: { gate }, options });
    rmSync(gate);
    served.signal('SIGHUP');
    await served.says(/reload: version 2/);
    for (const [index, signal] of (['SIGHUP', 'SIGUSR2'] as const).entries()) {
      served.signal(signal);
      await served.says(/one more follows/, index + 1);
    }
    const ordered = [served.order('reload'), served.order('reload')];
    await served.says(/one more follows/, 4);
    writeFileSync(gate, '');
    const orders = await Promise.all(ordered);
    expect(orders.map(({ output }) => output.replace(/\d+ ms/, ''))).toEqual(
      Array(2).fill('version 3 serves in 2 workers, after '),
    );
    expect((await served.order('status')).output).toMatch(/^serving, version 3 .* 2 reloads/);
  });
});

describe('nestjs-drain serve', () => {
  it('stops at SIGTERM in the middle of a reload, and leaves no process', async () => {
    const served = await Served.start({ workers: 2, options: ['--probation', '20s'] });
    const pids = await served.serving();
    const slow = fetch(`http://127.0.0.1:${served.port}/slow`);
    const reload = served.order('reload');
    await served.says(/reload: version 2/);
    served.signal('SIGTERM');
    expect(await (await slow).json()).toMatchObject({ pid: expect.any(Number) });
    expect(await reload).toMatchObject({ code: 1, output: 'the group is stopping' });
    expect(await served.ended).toMatchObject({ end: 0 });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('keeps the port when all workers are killed, and starts them again', async () => {
    const served = await Served.start({ workers: 2, release: 'bare' });
    for (const pid of await served.serving()) process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        fetch(`http://127.0.0.1:${served.port}/orders`, { headers: { connection: 'close' } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
  });

  it('ends when the only version there is crashes, with the reason', async () => {
    const served = await Served.launch({ workers: 2, release: 'crashing' });
    expect(await served.ended).toMatchObject({ end: 1 });
    expect(served.output).toMatch(/the group ends: it ended \(exit code 1\) before it was ready/);
  });

  it('scales by signals and by order, and stops by order', async () => {
    const served = await Served.start({ workers: 1, release: 'bare' });
    served.signal('SIGTTIN');
    await served.says(/2 workers$/m);
    expect(await served.order('scale', '3')).toMatchObject({ code: 0 });
    await until(async () => (await served.serving()).length === 3);
    served.signal('SIGTTOU');
    await until(async () => (await served.serving()).length === 2);
    expect(await served.order('stop')).toEqual({ code: 0, output: 'all workers have ended' });
    expect(await served.ended).toMatchObject({ end: 0 });
    expect((await served.order('status')).output).toMatch(/Expected a group that runs/);
  });

  it('says that a port is taken', async () => {
    const first = await Served.start({ workers: 1, release: 'bare' });
    const second = await Served.launch({ workers: 1, release: 'bare', settings: { port: first.port } });
    expect(await second.ended).toMatchObject({ end: 1 });
    expect(second.output).toMatch(/EADDRINUSE/);
  });
});
