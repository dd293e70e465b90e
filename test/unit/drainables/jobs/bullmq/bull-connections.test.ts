import { beforeEach, describe, expect, it } from '@jest/globals';
import { BullConnections } from '../../../../../src/drainables/jobs/bullmq/bull-connections.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';

/** A queue whose Redis answers when it is told to. */
class FakeQueue {
  readonly steps: string[] = [];
  answer: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  close(...args: unknown[]): Promise<unknown> {
    this.steps.push(['close', ...args].join(' '));
    return new Promise<void>((resolve, reject) => Object.assign(this, { answer: resolve, fail: reject }));
  }

  disconnects: () => Promise<void> = () => Promise.reject(new Error('connection is closed'));

  disconnect(): Promise<void> {
    this.steps.push('disconnect');
    return this.disconnects();
  }
}

describe('The connections of BullMQ', () => {
  let clock: FakeClock;
  let isOver: boolean;
  let isLate: boolean;
  let connections: BullConnections;

  beforeEach(() => {
    clock = new FakeClock();
    isOver = true;
    isLate = false;
    connections = new BullConnections(clock, { isOver: () => isOver, isLate: () => isLate });
  });

  function met(): FakeQueue {
    const queue = new FakeQueue();
    connections.meet(queue);
    connections.meet(queue);
    return queue;
  }

  /** Calls `close()`, and returns what tells whether that has ended. */
  function closing(queue: FakeQueue): () => boolean {
    let hasClosed = false;
    void queue.close().then(() => (hasClosed = true));
    return () => hasClosed;
  }

  async function closesNoEarlierThanRedisAnswers(queue: FakeQueue): Promise<void> {
    const hasClosed = closing(queue);
    await clock.advance(60_000);
    expect(hasClosed()).toBe(false);
    queue.answer();
    await settle();
    expect(hasClosed()).toBe(true);
  }

  it('close as they would where Redis answers', async () => {
    const queue = met();
    const closed = queue.close(true);
    queue.answer();
    await closed;
    expect(queue.steps).toEqual(['close true']);
    clock.assertNoTimerLeft();
  });

  it('fail as they would', async () => {
    const queue = met();
    const closed = queue.close();
    queue.fail(new Error('no permission'));
    await expect(closed).rejects.toThrow('no permission');
  });

  it('are let go of where Redis does not answer, and nothing of what fails later is unhandled', async () => {
    const queue = met();
    const hasClosed = closing(queue);
    await clock.advance(499);
    expect(hasClosed()).toBe(false);
    await clock.advance(1);
    expect(hasClosed()).toBe(true);
    queue.fail(new Error('too late'));
    await settle();
    expect(queue.steps).toEqual(['close', 'disconnect']);
  });

  it('are not waited for either where Nest disconnects them once they have closed', async () => {
    const queue = met();
    queue.disconnects = () => new Promise(() => undefined);
    let hasEnded = false;
    void queue
      .close()
      .then(() => queue.disconnect())
      .then(() => (hasEnded = true));
    await clock.advance(1_000);
    expect(hasEnded).toBe(true);
    await clock.advance(500);
    clock.assertNoTimerLeft();
  });

  it('are wrapped once where several applications share them', () => {
    const queue = met();
    const close = () => Object.getOwnPropertyDescriptor(queue, 'close')?.value as unknown;
    const first = close();
    new BullConnections(clock, { isOver: () => false, isLate: () => false }).meet(queue);
    expect(close()).toBe(first);
  });

  it('share a twentieth of a second where the drain was cut', async () => {
    isLate = true;
    const first = closing(met());
    await clock.advance(50);
    expect(first()).toBe(true);
    const queue = met();
    const second = closing(queue);
    await clock.advance(9);
    // Others have taken the time of all: there is still enough for a Redis that answers.
    expect(queue.steps).toEqual(['close']);
    await clock.advance(1);
    expect(second()).toBe(true);
  });

  it('that have no way to be ended at once are let go of as well', async () => {
    const queue = Object.assign(new FakeQueue(), { disconnect: undefined });
    connections.meet(queue);
    const hasClosed = closing(queue);
    await clock.advance(500);
    expect(hasClosed()).toBe(true);
  });

  it('that several applications share are waited for as the last of them says', async () => {
    const queue = met();
    new BullConnections(clock, { isOver: () => false, isLate: () => false }).meet(queue);
    await closesNoEarlierThanRedisAnswers(queue);
  });

  it('are waited for as long as it takes before the drain is over: a worker that closes waits for its jobs', async () => {
    isOver = false;
    const queue = met();
    await closesNoEarlierThanRedisAnswers(queue);
    expect(queue.steps).toEqual(['close']);
  });
});
