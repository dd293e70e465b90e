import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ReadinessLearner } from '../../../src/readiness/readiness-learner.js';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';

interface Candidate {
  readonly name: string;
  isHealth: boolean;
}

let learner: ReadinessLearner<Candidate>;
let learnt: string[];
let ready: Candidate;
let orders: Candidate;
const disable = jest.spyOn(AsyncLocalStorage.prototype, 'disable');

beforeEach(() => {
  disable.mockClear();
  learnt = [];
  ready = { name: 'ready', isHealth: false };
  orders = { name: 'orders', isHealth: false };
  learner = new ReadinessLearner<Candidate>((route) => {
    route.isHealth = true;
    learnt.push(route.name);
  });
});

describe('ReadinessLearner', () => {
  it('learns the route whose handler asks', () => {
    learner.watch(ready, () => learner.asked());
    expect(learnt).toEqual(['ready']);
  });

  it('learns the route whose handler asks after it has awaited something', async () => {
    await learner.watch(ready, async () => {
      await settle();
      learner.asked();
    });
    expect(learnt).toEqual(['ready']);
  });

  it('tells candidates apart that run at the same time', async () => {
    const gate = new Gate();
    const other = learner.watch(orders, () => gate.pass());
    await learner.watch(ready, async () => {
      await settle();
      learner.asked();
    });
    expect(learnt).toEqual(['ready']);
    gate.release();
    await other;
  });

  it('learns a route once', () => {
    learner.watch(ready, () => {
      learner.asked();
      learner.asked();
    });
    expect(learnt).toEqual(['ready']);
  });

  it('learns nothing from somebody who asks outside of a handler', async () => {
    learner.asked();
    const gate = new Gate();
    const running = learner.watch(orders, () => gate.pass());
    learner.asked();
    expect(learnt).toEqual([]);
    gate.release();
    await running;
  });

  it('returns what the handler returns', async () => {
    expect(learner.watch(ready, () => 'sync')).toBe('sync');
    await expect(learner.watch(ready, async () => 'async')).resolves.toBe('async');
  });

  it.each([
    ['returns', () => 'at once'],
    ['resolves', async () => settle()],
    ['rejects', async () => settle().then(() => Promise.reject(new Error('broken')))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('drops its asynchronous context when the handler %s', async (_, handler) => {
    try {
      const result = learner.watch<unknown>(ready, handler);
      expect(disable).toHaveBeenCalledTimes(result instanceof Promise ? 0 : 1);
      await result;
    } catch (error) {
      expect(error).toEqual(new Error('broken'));
    }
    await settle();
    expect(disable).toHaveBeenCalledTimes(1);
  });

  it('keeps its asynchronous context while another candidate runs', async () => {
    const gate = new Gate();
    const running = learner.watch(ready, async () => {
      await gate.pass();
      learner.asked();
    });
    learner.watch(orders, () => undefined);
    expect(disable).not.toHaveBeenCalled();
    gate.release();
    await running;
    expect(learnt).toEqual(['ready']);
    await settle();
    expect(disable).toHaveBeenCalledTimes(1);
  });
});
