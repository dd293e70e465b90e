import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HangWatch } from '../../../src/serve/hang-watch.js';
import { type Manner } from '../../../src/serve/protocol.js';
import { type ReloadOutcome, Supervisor } from '../../../src/serve/supervisor.js';
import { unlessAborted, whyNotProved } from '../../../src/serve/trial.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeWorker } from './fake-worker.js';

const settings = { workers: 2, readyWithinMs: 30_000, probationMs: 2_000 };
let clock: FakeClock;
let workers: FakeWorker[];
let said: string[];
let phases: string[];
let manner: Manner;
let settledWith: (number | undefined)[][];
let isMissing: boolean;
let supervisor: Supervisor;

beforeEach(() => {
  clock = new FakeClock();
  [workers, said, phases, manner, settledWith, isMissing] = [[], [], [], 'stopped', [], false];
  supervisor = new Supervisor(settings, {
    clock,
    start: (release, place) => {
      const worker = new FakeWorker(release, place, clock);
      workers.push(worker);
      return worker;
    },
    nextRelease: (version) => {
      if (isMissing) throw new Error('ENOENT: no such folder');
      return { version, folder: `/releases/${version}`, command: 'node', args: [] };
    },
    say: (line) => said.push(line),
    changed: (phase) => phases.push(phase),
    stopAccepting: () => manner,
    settled: () => void settledWith.push(supervisor.places.map(({ worker }) => worker?.release.version)),
  });
});
afterEach(async () => {
  const stopped = supervisor.stop();
  await settle();
  for (const worker of workers) if (worker.phase !== 'gone') worker.end('SIGTERM');
  await stopped;
  clock.assertNoTimerLeft();
});

/** The workers that have been started last. */
function last(count = 1): FakeWorker[] {
  return workers.slice(-count);
}

async function started(): Promise<FakeWorker[]> {
  const start = supervisor.start();
  for (const worker of workers) worker.becomeReady();
  expect(await start).toBeUndefined();
  return [...workers];
}

async function readyAfter(ms = 0): Promise<FakeWorker> {
  await clock.advance(ms);
  const [worker] = last();
  worker!.becomeReady();
  await settle();
  return worker!;
}

/** A reload whose first worker has been proved, and serves: the second place is about to be filled. */
async function proved(): Promise<{ canary: FakeWorker; reload: Promise<ReloadOutcome> }> {
  const reload = supervisor.reload();
  await settle();
  const canary = await readyAfter();
  await clock.advance(2_000);
  return { canary, reload };
}

async function reloaded(): Promise<void> {
  const { reload } = await proved();
  await readyAfter();
  expect(await reload).toMatchObject({ isDone: true });
}

const serving = () => workers.filter(({ phase }) => phase === 'serving').map(({ pid }) => pid);
const pidsOf = (some: readonly FakeWorker[]) => some.map(({ pid }) => pid);

describe('The start of a group', () => {
  it('ends when all serve', async () => {
    const first = await started();
    expect(serving()).toEqual(pidsOf(first));
    expect(phases).toEqual(['serving']);
  });

  it('waits until clients reach all of them', async () => {
    const start = supervisor.start();
    workers[1]!.acceptsLater = true;
    for (const worker of workers) worker.becomeReady();
    await settle();
    expect(supervisor.phase).toBe('starting');
    expect(phases).toEqual([]);
    workers[1]!.accept();
    expect(await start).toBeUndefined();
    expect(phases).toEqual(['serving']);
  });

  it('ends, too, when the places that do not serve yet are taken away', async () => {
    const start = supervisor.start();
    workers[0]!.becomeReady();
    await settle();
    supervisor.scale(1);
    expect(phases).toEqual(['serving']);
    expect(await start).toBeUndefined();
    expect(settledWith).toEqual([[1]]);
  });

  it('fails at the first worker that ends before any serves, with what it was waiting for', async () => {
    const start = supervisor.start();
    workers[0]!.end();
    await clock.advance(0);
    expect(await start).toBe('it ended (exit code 1) before it was ready; it has not listened yet');
  });

  it('goes on when a worker ends and another serves already', async () => {
    const start = supervisor.start();
    workers[0]!.becomeReady();
    await settle();
    workers[1]!.end();
    await readyAfter();
    expect(await start).toBeUndefined();
    expect(serving()).toHaveLength(2);
  });

  it('fails when none is ready in time', async () => {
    const start = supervisor.start();
    await clock.advance(30_000);
    expect(await start).toBe('it is not ready after 30000 ms: it has not listened yet');
    expect(workers[0]!.killed).toBe('it is not ready after 30000 ms: it has not listened yet');
  });
});

describe('A reload', () => {
  it('tries one worker, and fills one place after the other', async () => {
    const old = await started();
    const reload = supervisor.reload();
    await settle();
    expect(workers).toHaveLength(3);
    const canary = await readyAfter(500);
    await clock.advance(1_999);
    expect(canary.phase).toBe('ready');
    expect(serving()).toEqual(pidsOf(old));
    await clock.advance(1);
    expect(canary.phase).toBe('serving');
    expect(old[0]!.retired).toBe('rolled');
    expect(workers).toHaveLength(4);
    expect(old[1]!.phase).toBe('serving');
    const second = await readyAfter(500);
    expect(await reload).toEqual({ isDone: true, summary: 'version 2 serves in 2 workers, after 3000 ms' });
    expect(serving()).toEqual(pidsOf([canary, second]));
    expect(phases).toEqual(['serving', 'reloading', 'serving']);
    expect(settledWith).toEqual([
      [1, 1],
      [2, 2],
    ]);
    supervisor.scale(3);
    expect(last()[0]!.release.version).toBe(2);
  });

  it('leaves the old workers as they are when there is no new version', async () => {
    const old = await started();
    isMissing = true;
    expect(await supervisor.reload()).toEqual({ isDone: false, summary: 'ENOENT: no such folder' });
    expect(serving()).toEqual(pidsOf(old));
  });

  it('waits until the workers have gone that the last one has replaced', async () => {
    const old = await started();
    await reloaded();
    const reload = supervisor.reload();
    await clock.advance(60_000);
    expect(workers).toHaveLength(4);
    for (const worker of old) worker.end('SIGTERM');
    await settle();
    expect(workers).toHaveLength(5);
    void supervisor.stop();
    await reload;
  });

  it('keeps each old worker until clients reach the new one', async () => {
    const [old] = await started();
    const reload = supervisor.reload();
    await settle();
    last()[0]!.acceptsLater = true;
    const canary = await readyAfter();
    await clock.advance(2_000);
    expect([canary.phase, old!.phase]).toEqual(['ready', 'serving']);
    expect(workers).toHaveLength(3);
    canary.accept();
    await settle();
    expect(old!.retired).toBe('rolled');
    await readyAfter();
    expect(await reload).toMatchObject({ isDone: true });
  });

  it('fails when the last new worker ends before clients reach it', async () => {
    await started();
    const { reload } = await proved();
    last()[0]!.acceptsLater = true;
    const second = await readyAfter();
    second.end();
    for (let back = 0; back < 2; back++) {
      await settle();
      for (const worker of workers) if (worker.phase === 'starting') worker.becomeReady();
    }
    expect(await reload).toMatchObject({ isDone: false });
    await settle();
    expect(workers.filter(({ phase }) => phase === 'serving').map(({ release }) => release.version)).toEqual([1, 1]);
  });

  it.each<[string, (canary: FakeWorker) => Promise<void>, string]>([
    ['crashes at its start', async (canary) => canary.end(), 'it ended (exit code 1) before it was ready'],
    ['is never ready', async () => clock.advance(30_000), 'it is not ready after 30000 ms'],
    [
      'ends on probation',
      async (canary) => {
        canary.becomeReady();
        await clock.advance(1_500);
        canary.end('exit code 3');
      },
      'it ended (exit code 3) on its probation of 2000 ms',
    ],
    [
      'hangs on probation',
      async (canary) => {
        const hangs = new HangWatch(
          clock,
          15_000,
          () => workers,
          () => undefined,
        );
        hangs.start();
        canary.becomeReady();
        await clock.advance(1_500);
        canary.hungAt = clock.now();
        await clock.advance(14_999);
        expect(canary.phase).toBe('ready');
        await clock.advance(250);
        hangs.stop();
      },
      'it ended (SIGKILL: it hangs: nothing has been heard of it for 15000 ms) on its probation of 2000 ms',
    ],
  ])('leaves the old workers as they are when the new one %s', async (_, fail, why) => {
    const old = await started();
    const reload = supervisor.reload();
    await settle();
    await fail(last()[0]!);
    const { isDone, summary } = await reload;
    expect(isDone).toBe(false);
    expect(summary).toContain(`version 2 was rolled back: worker 1: ${why}`);
    expect(old.map(({ phase }) => phase)).toEqual(['serving', 'serving']);
    expect(last()[0]!).toMatchObject({ retired: 'rolled' });
    expect(supervisor.counts).toMatchObject({ reloads: 1, rolledBack: 1, restarts: 0 });
    expect(settledWith).toEqual([[1, 1]]);
    supervisor.scale(3);
    expect(last()[0]!.release.version).toBe(1);
  });

  it('gives the places that were filled back to the old version when a later one fails', async () => {
    await started();
    const { canary, reload } = await proved();
    last()[0]!.end();
    await settle();
    const back = await readyAfter();
    expect(await reload).toMatchObject({ isDone: false });
    expect(back.release.version).toBe(1);
    expect(canary.retired).toBe('rolled');
    expect(workers.filter(({ phase }) => phase === 'serving').map(({ release }) => release.version)).toEqual([1, 1]);
  });

  it('gives places back when a new worker that serves already ends in the middle', async () => {
    await started();
    const { canary, reload } = await proved();
    const second = last()[0]!;
    canary.end();
    second.becomeReady();
    await settle();
    last()[0]!.becomeReady();
    expect(await reload).toMatchObject({ isDone: false });
    expect(said).toContain('version 2 was rolled back: worker 2: one of its workers has ended');
  });

  it('starts the old version until one stays where a place cannot be given back at once', async () => {
    await started();
    const { canary, reload } = await proved();
    last()[0]!.end();
    await clock.advance(30_000);
    expect(await reload).toMatchObject({ isDone: false });
    expect(workers.at(-2)!.killed).toContain('it is not ready after 30000 ms');
    expect(canary.retired).toBe('rolled');
    expect((await readyAfter()).release.version).toBe(1);
    expect(serving()).toHaveLength(2);
  });

  it('fills no place that has been taken away meanwhile', async () => {
    await started();
    const { reload } = await proved();
    supervisor.scale(1);
    const second = await readyAfter();
    expect(await reload).toMatchObject({ isDone: true });
    expect(second.retired).toBe('rolled');
    expect(serving()).toHaveLength(1);
  });

  it('gives back no place that has been taken away meanwhile', async () => {
    await started();
    supervisor.scale(3);
    await readyAfter();
    const { reload } = await proved();
    await readyAfter();
    // Two places are given back, one after the other: the second is taken away while its worker starts.
    last()[0]!.end();
    await settle();
    await readyAfter();
    const [back] = last();
    supervisor.scale(1);
    await readyAfter();
    expect(await reload).toMatchObject({ isDone: false });
    expect(back!.retired).toBe('rolled');
    expect(serving()).toHaveLength(1);
  });

  it('is over when the group is told to stop while the new worker is on probation', async () => {
    await started();
    const reload = supervisor.reload();
    await settle();
    await readyAfter();
    void supervisor.stop();
    expect(await reload).toEqual({ isDone: false, summary: 'the group is stopping' });
  });

  it('puts up with early ends again: those of the version before do not count', async () => {
    await started();
    for (let death = 0; death < 3; death++) {
      workers.filter(({ place, phase }) => place === 1 && phase === 'serving')[0]!.end();
      await clock.advance(250);
      await readyAfter();
    }
    await reloaded();
    workers.filter(({ place, phase }) => place === 1 && phase === 'serving')[0]!.end();
    await clock.advance(0);
    expect(last()[0]!).toMatchObject({ place: 1, phase: 'starting' });
  });

  it('ends the pause of a place that it fills', async () => {
    await started();
    const second = () => workers.filter(({ place, phase }) => place === 2 && phase === 'serving')[0]!;
    second().end();
    await clock.advance(0);
    await readyAfter();
    const { reload } = await proved();
    // Its second early end: nobody is started for 250 ms.
    second().end();
    await settle();
    await readyAfter();
    expect(await reload).toMatchObject({ isDone: true });
    const count = workers.length;
    await clock.advance(60_000);
    expect(workers).toHaveLength(count);
  });

  it('meets all requests that come during one by one more', async () => {
    await started();
    const reloads = [supervisor.reload(), supervisor.reload(), supervisor.reload(), supervisor.reload()];
    await settle();
    for (let version = 2; version <= 3; version++) {
      await readyAfter();
      await clock.advance(2_000);
      await readyAfter();
      // The next one waits until those have gone.
      for (const worker of workers) if (worker.phase === 'retiring') worker.end('SIGTERM');
      await settle();
    }
    const outcomes = await Promise.all(reloads);
    expect(outcomes.map(({ summary }) => summary.slice(0, 9))).toEqual([
      'version 2',
      ...Array<string>(3).fill('version 3'),
    ]);
    expect(workers).toHaveLength(6);
    expect(supervisor.counts.reloads).toBe(2);
    // It does so the next time as well.
    void supervisor.reload();
    const more = supervisor.reload();
    for (let version = 4; version <= 5; version++) {
      for (const worker of workers) if (worker.phase === 'retiring') worker.end('SIGTERM');
      await settle();
      await readyAfter();
      await clock.advance(2_000);
      await readyAfter();
    }
    expect((await more).summary).toContain('version 5');
  });

  it('waits until all serve', async () => {
    const start = supervisor.start();
    const reload = supervisor.reload();
    await settle();
    expect(workers).toHaveLength(2);
    for (const worker of workers) worker.becomeReady();
    await start;
    await readyAfter();
    await clock.advance(2_000);
    await readyAfter();
    expect(await reload).toMatchObject({ isDone: true });
  });

  it('is over when the group is told to stop', async () => {
    await started();
    const reload = supervisor.reload();
    await settle();
    const stopped = supervisor.stop();
    await settle();
    expect(await reload).toEqual({ isDone: false, summary: 'the group is stopping' });
    expect(workers.map(({ retired }) => retired)).toEqual(['stopped', 'stopped', 'rolled']);
    for (const worker of workers) worker.end('SIGTERM');
    await stopped;
    expect(await supervisor.reload()).toMatchObject({ isDone: false });
    expect(phases).toEqual(['serving', 'reloading', 'stopping']);
  });

  it('is answered before the group has stopped', async () => {
    await started();
    const ends: string[] = [];
    const reload = supervisor.reload().then(() => ends.push('reload'));
    await settle();
    const stopped = supervisor.stop().then(() => ends.push('stop'));
    for (const worker of workers) worker.end('SIGTERM');
    await Promise.all([reload, stopped]);
    expect(ends).toEqual(['reload', 'stop']);
  });

  it('starts nobody when the group is told to stop while it waits for the workers of the last one', async () => {
    await started();
    await reloaded();
    const reload = supervisor.reload();
    await settle();
    void supervisor.stop();
    expect(await reload).toEqual({ isDone: false, summary: 'the group is stopping' });
    expect(workers).toHaveLength(4);
  });

  it('starts nobody when the group is told to stop while clients begin to reach a worker', async () => {
    await started();
    const reload = supervisor.reload();
    await settle();
    last()[0]!.acceptsLater = true;
    await readyAfter();
    await clock.advance(2_000);
    void supervisor.stop();
    expect(await reload).toMatchObject({ isDone: false });
    expect(workers).toHaveLength(3);
  });

  it('starts nobody when the group is told to stop while it gives places back', async () => {
    await started();
    supervisor.scale(3);
    await readyAfter();
    const { reload } = await proved();
    await readyAfter();
    last()[0]!.end();
    await settle();
    expect(workers).toHaveLength(7);
    void supervisor.stop();
    expect(await reload).toMatchObject({ isDone: false });
    expect(workers).toHaveLength(7);
  });
});

describe('A worker that ends by itself', () => {
  it('is started again at once, of the version it ran, and later after longer and longer pauses', async () => {
    await started();
    await clock.advance(60_000);
    const pauses: number[] = [];
    for (let death = 0; death < 9; death++) {
      const before = workers.length;
      workers.filter(({ place, phase }) => place === 1 && phase === 'serving')[0]!.end('SIGKILL');
      const diedAt = clock.now();
      await clock.advance(0);
      while (workers.length === before) await clock.advance(50);
      pauses.push(clock.now() - diedAt);
      expect(last()[0]!.release.version).toBe(1);
      await readyAfter();
    }
    expect(pauses).toEqual([0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
    expect(supervisor.counts.restarts).toBe(9);
  });

  it('is started again at once when it has lived for long', async () => {
    await started();
    for (let death = 0; death < 4; death++) {
      await clock.advance(10_000);
      workers.filter(({ place, phase }) => place === 1 && phase === 'serving')[0]!.end('SIGKILL');
      await clock.advance(0);
      await readyAfter();
    }
    expect(workers).toHaveLength(6);
    expect(supervisor.workers).toHaveLength(2);
  });

  it('does not end the group while another serves, however often both have died', async () => {
    await started();
    let isOver = false;
    void supervisor.failed.then(() => (isOver = true));
    const one = (at: number) => workers.filter(({ place, phase }) => place === at && phase === 'serving')[0]!;
    for (let death = 0; death < 5; death++) {
      for (const place of [1, 2]) {
        one(place).end('exit code 9');
        await clock.advance(2_000);
        await readyAfter();
      }
    }
    expect(isOver).toBe(false);
    expect(serving()).toHaveLength(2);
  });

  it('ends the group when every place has seen five die soon', async () => {
    await started();
    for (let death = 0; death < 5; death++) {
      for (const worker of last(2)) worker.end('exit code 9');
      await clock.advance(2_000);
      if (death < 4) for (const worker of last(2)) worker.becomeReady();
      await settle();
    }
    expect(await supervisor.failed).toBe(
      'every worker ended 5 times soon after its start; the last: it ended (exit code 9)',
    );
  });
});

describe('Another number of workers', () => {
  it('adds places, and closes the last ones', async () => {
    const [first, second] = await started();
    supervisor.scale(3);
    const third = await readyAfter();
    expect(third.place).toBe(3);
    supervisor.scale(1);
    expect([first, second, third].map((worker) => worker!.retired)).toEqual([undefined, 'rolled', 'rolled']);
    third.end();
    await clock.advance(60_000);
    expect(workers).toHaveLength(3);
  });

  it('lets a worker that is still starting end in its own time', async () => {
    await started();
    supervisor.scale(3);
    supervisor.scale(2);
    await clock.advance(30_000);
    expect([last()[0]!.retired, last()[0]!.killed]).toEqual(['rolled', undefined]);
  });

  it('ends the pause of a place that is taken away', async () => {
    await started();
    for (let death = 0; death < 2; death++) {
      workers.filter(({ place, phase }) => place === 2 && phase === 'serving')[0]!.end();
      await settle();
      if (death === 0) await readyAfter();
    }
    const count = workers.length;
    supervisor.scale(1);
    await clock.advance(60_000);
    expect(workers).toHaveLength(count);
  });

  it('is of no account once the group stops', async () => {
    await started();
    void supervisor.stop();
    supervisor.scale(3);
    expect(workers).toHaveLength(2);
  });
});

describe('The end of a group', () => {
  it.each<Manner>(['stopped', 'rolled'])('tells all workers at once how they end (%s)', async (how) => {
    manner = how;
    const all = await started();
    const stopped = supervisor.stop('SIGINT');
    await settle();
    expect(all.map(({ retired }) => retired)).toEqual([how, how]);
    for (const worker of all) worker.end('SIGINT');
    await stopped;
    await clock.advance(60_000);
    expect(workers).toHaveLength(2);
  });

  it('is begun once, however often it is told to', async () => {
    await started();
    void supervisor.stop();
    void supervisor.stop('SIGINT');
    expect(said.filter((line) => line.endsWith('workers stop'))).toEqual(['SIGTERM: 2 workers stop']);
    expect(phases).toEqual(['serving', 'stopping']);
  });

  it('may be forced', async () => {
    const all = await started();
    const stopped = supervisor.stop();
    await settle();
    supervisor.force('a second SIGINT');
    await stopped;
    expect(all.map(({ killed }) => killed)).toEqual(Array(2).fill('a second SIGINT'));
  });
});

describe('A trial', () => {
  const worker = () => new FakeWorker({ version: 1, folder: '/', command: 'node', args: [] }, 1, clock);

  it('has no probation where that is set to 0', async () => {
    const hung = worker();
    hung.hungAt = 0;
    expect(await whyNotProved(hung, clock, 0)).toBeUndefined();
  });

  it('is not waited for by whoever has been told to stop before', async () => {
    const never = new Promise<string>(() => undefined);
    expect(await unlessAborted(AbortSignal.abort(), never, 'stopping')).toBe('stopping');
  });
});
