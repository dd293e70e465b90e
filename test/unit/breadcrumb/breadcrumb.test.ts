import { EventEmitter } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { bornAt, Breadcrumb } from '../../../src/breadcrumb/breadcrumb.js';
import { takePreviousRuns, wordsOn } from '../../../src/breadcrumb/previous-runs.js';
import { DrainCore } from '../../../src/drain-core.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { type PreviousRun, type ShutdownEvent, ShutdownEvents } from '../../../src/sequence/events.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** No process has this number: Linux gives none above 2 ** 22. */
const gonePid = 99_999_998;
let folder: string;
let path: string;
let clock: FakeClock;
let core: DrainCore;
let host: EventEmitter & { pid: number };
let seen: ShutdownEvent[];

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, 'crumb');
  clock = new FakeClock();
  core = new DrainCore(resolveOptions({ lameDuck: { minMs: 2_000, maxMs: 2_000 } }), clock, {});
  host = Object.assign(new EventEmitter(), { pid: gonePid });
  seen = [];
  core.events.subscribe((event) => seen.push(event));
  new Breadcrumb(path, core, host as never).start();
});

async function begin(): Promise<void> {
  void core.sequence.begin({ reason: 'signal SIGTERM', signal: 'SIGTERM', isHostClosing: true });
  await settle();
}

function crumb(): Record<string, unknown> {
  return JSON.parse(readFileSync(`${path}.${gonePid}`, 'utf8')) as Record<string, unknown>;
}

describe('Breadcrumb', () => {
  it('leaves no file while the application runs', () => {
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says where the shutdown stands, and what is in flight, from its start on', async () => {
    core.tracker.take('request', 'GET /report');
    await clock.advance(100);
    await begin();
    expect(crumb()).toEqual({
      pid: gonePid,
      bornAt,
      reason: 'signal SIGTERM',
      startedAt: new Date(FakeClock.epoch + 100).toISOString(),
      phase: 'lame-duck',
      phaseMs: 0,
      elapsedMs: 0,
      inFlight: 1,
      work: [{ kind: 'request', name: 'GET /report', ageMs: 100 }],
    });
    await clock.advance(2_000);
    expect(crumb()).toMatchObject({ phase: 'draining', phaseMs: 0, elapsedMs: 2_000 });
  });

  it('is written no more from the hard stop on, where nobody closes what has been drained', async () => {
    void core.sequence.begin({ reason: 'shutdown()', isHostClosing: false });
    await clock.advance(60_000);
    expect(core.phase).toBe('releasing');
    const { elapsedMs } = crumb() as { elapsedMs: number };
    expect(elapsedMs).toBeLessThanOrEqual(core.sequence.deadlines.hardStopAt);
    expect(elapsedMs).toBeGreaterThan(core.sequence.deadlines.hardStopAt - 1_000);
  });

  it('is written twice a second, and no more often', async () => {
    core.tracker.take('request', 'GET /report');
    await begin();
    await clock.advance(2_000);
    const told: unknown[] = [];
    for (let at = 0; at < 1_000; at += 100) {
      await clock.advance(100);
      told.push(crumb().phaseMs);
    }
    expect([...new Set(told)]).toEqual([0, 500, 1_000]);
  });

  it('is written as the deadline passes, and as all waiting ends', async () => {
    await begin();
    await clock.advance(100);
    core.events.emit({ type: 'deadline', inFlight: 1 });
    expect(crumb()).toMatchObject({ phaseMs: 100 });
    await clock.advance(100);
    core.events.emit({ type: 'forced', by: 'signal SIGINT', inFlight: 1 });
    expect(crumb()).toMatchObject({ phaseMs: 200 });
  });

  it('is not written once more as the shutdown closes, for it is removed then', async () => {
    await begin();
    const phase = { type: 'phase', phase: 'closed', previous: 'releasing', reason: 'a test' } as const;
    core.events.emit({ ...phase, elapsedMs: 0, inFlight: 0 });
    expect(crumb()).toMatchObject({ phase: 'lame-duck' });
  });

  it('is always there as a whole: what is written takes the place of what was', async () => {
    await begin();
    const before = openSync(`${path}.${gonePid}`, 'r');
    try {
      await clock.advance(500);
      expect(crumb()).toMatchObject({ phaseMs: 500 });
      expect(JSON.parse(readFileSync(before, 'utf8'))).toMatchObject({ phaseMs: 0 });
    } finally {
      closeSync(before);
    }
  });

  it('is for the user of the process alone, and does not hold the process open', async () => {
    await begin();
    expect(statSync(`${path}.${gonePid}`).mode & 0o777).toBe(0o600);
    const alone = new FakeClock();
    const events = new ShutdownEvents();
    const watched = { clock: alone, events, tracker: core.tracker, sequence: { deadlines: { hardStopAt: 29_000 } } };
    new Breadcrumb(join(folder, 'alone'), watched, host as never).start();
    const phase = { type: 'phase', phase: 'lame-duck', previous: 'running', reason: 'a test' } as const;
    events.emit({ ...phase, elapsedMs: 0, inFlight: 0 });
    expect({ armedAt: alone.armedAt, holdsProcess: alone.holdsProcess }).toEqual({
      armedAt: [500],
      holdsProcess: false,
    });
  });

  it('names ten pieces of work, and cuts long names', async () => {
    for (let n = 0; n < 12; n++) core.tracker.take('task', 'x'.repeat(200));
    await begin();
    const { inFlight, work } = crumb() as unknown as PreviousRun;
    expect(inFlight).toBe(12);
    expect(work).toHaveLength(10);
    expect(work[0]!.name).toHaveLength(120);
  });

  it('is gone with the report, and leaves neither timer nor listener', async () => {
    await begin();
    await clock.advance(2_000);
    core.sequence.hostClosed();
    await settle();
    expect(core.phase).toBe('closed');
    expect(readdirSync(folder)).toEqual([]);
    expect(host.listenerCount('exit')).toBe(0);
    clock.assertNoTimerLeft();
  });

  it('says with which code the process ends itself, where work is lost with it', async () => {
    core.tracker.take('request', 'GET /report');
    await begin();
    host.emit('exit', 3);
    expect(crumb()).toMatchObject({ inFlight: 1, exitCode: 3 });
  });

  it('is gone where the process ends itself with nothing in flight', async () => {
    await begin();
    host.emit('exit', 0);
    expect(existsSync(`${path}.${gonePid}`)).toBe(false);
  });

  it('tells once that it can no longer be written, and the shutdown goes on', async () => {
    rmSync(folder, { recursive: true });
    await begin();
    await clock.advance(3_000);
    const problems = seen.flatMap((event) => (event.type === 'problem' ? event.message : []));
    expect(problems).toEqual([expect.stringMatching(/^The breadcrumb .* could not be written: (Error: )?ENOENT/)]);
    expect(core.phase).toBe('releasing');
    // It was never there to be removed.
    expect(() => host.emit('exit', 0)).not.toThrow();
  });

  it('raises at bootstrap where it cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    const start = () => new Breadcrumb(join(folder, 'file', 'crumb'), core).start();
    expect(start).toThrow(expect.objectContaining({ code: 'DRAIN_INVALID_OPTION' }));
    expect(start).toThrow(/expected breadcrumb to be a path where this process can write '.*', got .*\. Give it/);
  });

  it('makes the folder where it is missing', () => {
    new Breadcrumb(join(folder, 'a', 'b', 'crumb'), core).start();
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual([]);
  });
});

describe('takePreviousRuns', () => {
  const left = (pid: number, more: object = {}) =>
    writeFileSync(`${path}.${pid}`, JSON.stringify({ pid, bornAt: 1, phase: 'draining', work: [], ...more }));

  it('returns the runs of processes that are gone, each once', () => {
    left(gonePid);
    left(gonePid + 1);
    expect(takePreviousRuns(path).map(({ pid }) => pid)).toEqual([gonePid, gonePid + 1]);
    expect(takePreviousRuns(path)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not tell of a run that another process has taken meanwhile', () => {
    left(gonePid);
    const { parse } = JSON;
    const parsing = jest.spyOn(JSON, 'parse').mockImplementation((text) => {
      rmSync(`${path}.${gonePid}`);
      return parse(text);
    });
    expect(takePreviousRuns(path)).toEqual([]);
    parsing.mockRestore();
  });

  it('leaves those of processes of other users alone, which it may not ask', () => {
    left(gonePid);
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    expect(takePreviousRuns(path)).toEqual([]);
    kill.mockRestore();
  });

  it('leaves those of processes that run alone', () => {
    left(process.ppid);
    left(process.pid, { bornAt });
    expect(takePreviousRuns(path)).toEqual([]);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('knows a former process that had the number of this one, as in a container', () => {
    left(process.pid);
    expect(takePreviousRuns(path)).toHaveLength(1);
  });

  it('leaves files that are none alone', () => {
    for (const name of ['crumb', 'crumb.txt', 'crumb.12.tmp', 'other.12']) writeFileSync(join(folder, name), '{}');
    writeFileSync(`${path}.12`, 'no JSON');
    expect(takePreviousRuns(path)).toEqual([]);
    expect(readdirSync(folder)).toHaveLength(5);
  });

  it('returns nothing of what it cannot take: another process would tell of it as well', () => {
    if (process.getuid?.() === 0) return; // Nothing is forbidden to root.
    left(gonePid);
    chmodSync(folder, 0o500);
    expect(takePreviousRuns(path)).toEqual([]);
    chmodSync(folder, 0o700);
  });
});

describe('wordsOn', () => {
  const run: PreviousRun = {
    pid: 7,
    reason: 'signal SIGTERM',
    startedAt: new Date(0).toISOString(),
    phase: 'draining',
    phaseMs: 9_210,
    elapsedMs: 14_000,
    inFlight: 3,
    work: [{ kind: 'request', name: 'GET /report', ageMs: 12_000 }],
  };

  it.each([
    [run, 'was killed 9.2 s into draining with 3 in flight: request GET /report (12.0 s) and 2 more'],
    [{ ...run, inFlight: 0, work: [] }, 'was killed 9.2 s into draining with 0 in flight'],
    [{ ...run, work: [] }, 'was killed 9.2 s into draining with 3 in flight'],
    [
      { ...run, exitCode: 1, inFlight: 1 },
      'ended with exit code 1 9.2 s into draining with 1 in flight: request GET /report (12.0 s)',
    ],
  ])('says it in one line', (each, words) => {
    expect(wordsOn(each)).toBe(`The previous run ${words}`);
  });
});
