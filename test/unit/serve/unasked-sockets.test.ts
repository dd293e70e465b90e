import { beforeEach, describe, expect, it } from '@jest/globals';
import { Deferred } from '../../../src/sequence/deferred.js';
import { UnaskedSockets } from '../../../src/serve/unasked-sockets.js';
import { FakeClock } from '../../support/fake-clock.js';

const [old, present] = ['old', 'present'].map((folder, version) => ({ version, folder, command: 'node', args: [] }));
let clock: FakeClock;
let places: { isServing: boolean }[];
let kept: string[][];
let unasked: UnaskedSockets;

beforeEach(() => {
  clock = new FakeClock();
  places = [{ isServing: true }, { isServing: true }];
  kept = [];
  const workers = [{ keys: [':3000'] }, { keys: [':3000', ':3001'] }];
  const sockets = { keepOnly: async (keys: ReadonlySet<string>) => void kept.push([...keys]) };
  unasked = new UnaskedSockets(clock, { places, workers, release: present }, sockets);
});

describe('Sockets that no worker asks for', () => {
  it('are closed some time after a reload', async () => {
    unasked.closeSoon();
    expect(clock.holdsProcess).toBe(false);
    await clock.advance(4_999);
    expect(kept).toEqual([]);
    await clock.advance(1);
    expect(kept).toEqual([[':3000', ':3001']]);
    clock.assertNoTimerLeft();
  });

  it('are left alone while a place does not serve: who starts again asks for the same', async () => {
    places[1]!.isServing = false;
    unasked.closeSoon();
    await clock.advance(15_000);
    expect(kept).toEqual([]);
    places[1]!.isServing = true;
    await clock.advance(5_000);
    expect(kept).toHaveLength(1);
  });

  it.each([
    ['are closed some time after the last worker of another version has gone', old!, 1],
    ['are left alone when a worker of the present version has gone', present!, 0],
  ])('%s', async (_, release, times) => {
    const gone = new Deferred<string>();
    unasked.follow({ release, gone: gone.promise });
    await clock.advance(60_000);
    expect(kept).toEqual([]);
    gone.resolve('SIGTERM');
    await clock.advance(5_000);
    expect(kept).toHaveLength(times);
    clock.assertNoTimerLeft();
  });
});
