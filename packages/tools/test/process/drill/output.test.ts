import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { processesMarked } from '../../../src/drill/stragglers.js';
import { apps, endCommands, runCommand, shortRoll, startCommand } from '../../drill/support/run-drill.js';
import { build } from '../../../../../test/process/support/child.js';
import { temporaryFolder } from '../../../../../test/support/temporary-folder.js';

const faulty = ['node', `${apps}/faulty.mjs`];
/** The first seed; every run with the same one is interrupted at the same moments. */
const seed = Number(process.env.DRILL_INTERRUPT_SEED ?? 1);
const interrupts = Number(process.env.DRILL_INTERRUPTS ?? 4);

beforeAll(build);
afterEach(endCommands);

describe('What nestjs-drain drill has measured', () => {
  it('is told before a file turns out not to be writable, and a file costs exit 2', async () => {
    const { code, stdout, stderr } = await runCommand(['drill', '--html=/dev/full', ...shortRoll, '--', ...faulty]);
    expect(stdout).toMatch(/\nNothing is lost: /);
    expect(stderr).toBe('nestjs-drain drill: /dev/full cannot be written (ENOSPC).\n');
    expect(code).toBe(2);
  });

  it.each([
    ['--html=/no/such/folder/a.html', '/no/such/folder/a.html cannot be written (ENOENT).'],
    ['--junit=/', '/ cannot be written (EISDIR).'],
  ])('is not begun when a file cannot be written: %s', async (option, line) => {
    const { code, stdout, stderr } = await runCommand(['drill', option, '--', ...faulty]);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `nestjs-drain drill: ${line}\n` });
  });

  it('leaves a file as it is until there is something to write, and no new one', async () => {
    const folder = temporaryFolder();
    const [old, fresh] = [join(folder, 'old.xml'), join(folder, 'new.html')];
    writeFileSync(old, 'of last week');
    const args = ['drill', `--junit=${old}`, `--html=${fresh}`, '--', 'no-such-command'];
    expect((await runCommand(args)).code).toBe(2);
    expect(readFileSync(old, 'utf8')).toBe('of last week');
    expect(existsSync(fresh)).toBe(false);
    const twice = await runCommand(['drill', `--junit=${old}`, `--html=${old}`, '--', ...faulty]);
    expect(twice.stderr).toMatch(/is named for two reports/);
  });

  it('is told up to Ctrl-C, marked as partial', async () => {
    const child = startCommand(['drill', '--json', '--warm-up=300ms', '--rate=80', '--', ...faulty]);
    const lines = createInterface({ input: child.stderr! });
    const said: string[] = [];
    const json = text(child.stdout!);
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('replica-1 is sent the signal')) setTimeout(() => child.kill('SIGINT'), 300);
    });
    expect(await once(child, 'close')).toEqual([130, null]);
    expect(said.join('\n')).toMatch(/\nPartial, since it was interrupted \(SIGINT\)\. /);
    const result = JSON.parse(await json);
    expect(result).toMatchObject({ partial: { kind: 'interrupted', reason: 'SIGINT' }, lostNothing: false });
    expect(result.totals.requests).toBeGreaterThan(20);
    expect(result.rolls[0].samples.dueAtMs).toHaveLength(result.totals.requests);
    // What the end of the drill has cut is not blamed on the service.
    expect(result.totals.failed).toBe(0);
  });

  it('is told up to the successor that does not start, which costs exit 2', async () => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await runCommand(
      ['drill', '--replicas=2', '--rate=80', '--', 'node', `${apps}/third-start-fails.mjs`],
      { env: { COUNTER: join(folder, 'starts') } },
    );
    expect(stdout).toMatch(/\nPartial, since it could not go on: replica-3 exited with 1 before/);
    expect(stdout).toMatch(/ {2}requests {6}\d+, 80 a second/);
    expect(stderr).toMatch(/^nestjs-drain drill: replica-3 exited with 1 before .*Error: no database\.\n$/);
    expect(code).toBe(2);
  });

  it('ends quietly when nobody reads it', async () => {
    const child = startCommand(['drill', '--rate=80', '--', ...faulty]);
    const stderr = text(child.stderr!);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    expect(await once(child, 'close')).toEqual([141, null]);
    expect((await stderr).split('\n').filter((line) => !/interrupted/.test(line))).toEqual(['']);
  });
});

describe('The help of nestjs-drain', () => {
  it('ends quietly when its reader has seen enough', () => {
    const command = `${process.execPath} bin/nestjs-drain.mjs drill --help | head -1`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: 'Usage: nestjs-drain drill [options] -- <command> [argument...]\n',
      stderr: '',
    });
  });
});

describe('An interrupt at a random moment', () => {
  const random = randomOf(seed);
  const moments = Array.from({ length: interrupts }, (_, at) => ({
    afterMs: Math.round(random() * 5_000),
    signal: (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)[at % 4]!,
    command: at % 2 === 0 ? ['npm', 'start', '--silent'] : [...faulty, 'leaves-group'],
  }));

  it.each(moments)('leaves nothing running: $signal after $afterMs ms', async ({ afterMs, signal, command }) => {
    const folder = temporaryFolder();
    const mark = `DRILL_TEST=${folder}`;
    const child = startCommand(['drill', ...shortRoll, '--lag=0,200ms', '--', ...command], {
      cwd: `${apps}/npm`,
      env: { TMPDIR: folder, DRILL_TEST: folder },
    });
    child.stdout!.resume();
    child.stderr!.resume();
    const exited = once(child, 'exit');
    // The moment is what is tested, and no event tells it.
    await Promise.race([delay(afterMs), exited]);
    child.kill(signal);
    await exited;
    while (processesMarked(mark).length > 0) await delay(20);
    if (signal !== 'SIGKILL') expect(readdirSync(folder).filter((name) => name.includes('drill'))).toEqual([]);
  });
});

/** Mulberry32. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
