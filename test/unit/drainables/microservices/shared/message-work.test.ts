import { beforeEach, describe, expect, it } from '@jest/globals';
import { MessageWork } from '../../../../../src/drainables/microservices/shared/message-work.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';

describe('The work of a transport', () => {
  let tracker: InFlightTracker;
  let work: MessageWork;
  const deadline = new AbortController().signal;

  beforeEach(() => {
    const clock = new FakeClock();
    tracker = new InFlightTracker(clock);
    work = new MessageWork(clock, tracker);
  });

  it.each<[string, () => () => void]>([
    [
      'a message has ended',
      () => {
        const message = work.begin('rpc', 'a');
        return () => message.drop();
      },
    ],
    [
      'what arrived has been read',
      () => {
        work.arrives();
        return work.arrived;
      },
    ],
    [
      'what arrived has reached its handler, a turn later',
      () => {
        work.arrivesNow();
        return () => undefined;
      },
    ],
    [
      'a reply has left',
      () => {
        work.replyBegins();
        return work.replyLeft;
      },
    ],
    [
      'the caller of a message has gone',
      () => {
        const message = work.begin('rpc', 'a');
        return () => work.abandon(message);
      },
    ],
  ])('wakes whoever waits for its end when %s', async (_, begin) => {
    const end = begin();
    let isIdle = false;
    void work.idle(deadline).then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    end();
    await settle();
    await settle();
    expect(isIdle).toBe(true);
  });

  it('includes a reply for a turn longer, in which its next packet is handed on', async () => {
    work.replyBegins();
    work.replyLeft();
    expect(work.isIdle).toBe(false);
    await settle();
    expect(work.isIdle).toBe(true);
  });

  it('counts a message once whose caller has gone, and which ends then', () => {
    const [gone, other] = [work.begin('rpc', 'a'), work.begin('rpc', 'b')];
    work.abandon(gone);
    expect(tracker.abandonedLeftovers()).toHaveLength(1);
    gone.drop();
    expect(tracker.abandonedLeftovers()).toEqual([]);
    expect(work.isIdle).toBe(false);
    other.drop();
    expect(work.isIdle).toBe(true);
  });

  it('tells its connection nothing of a call that ends when its caller has gone', () => {
    const told: string[] = [];
    const message = work.begin('rpc', 'a', {
      callBegins: () => told.push('begins'),
      callEnded: () => told.push('ended'),
    });
    message.abandon();
    expect(tracker.abandonedLeftovers()).toHaveLength(1);
    message.drop();
    expect(tracker.abandonedLeftovers()).toEqual([]);
    expect(told).toEqual(['begins']);
  });

  it('counts a message once that has ended, and whose caller goes then', () => {
    const [ended, other] = [work.begin('rpc', 'a'), work.begin('rpc', 'b')];
    ended.drop();
    work.abandon(ended);
    expect(work.isIdle).toBe(false);
    other.drop();
    expect(work.isIdle).toBe(true);
  });
});
