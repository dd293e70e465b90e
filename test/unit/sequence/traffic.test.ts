import { beforeEach, describe, expect, it } from '@jest/globals';
import { Traffic } from '../../../src/sequence/traffic.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;
let traffic: Traffic;
beforeEach(() => {
  clock = new FakeClock();
  traffic = new Traffic(clock);
});

/** `count` requests, `gapMs` apart; the clock then stands `gapMs` after the last. */
async function requests(count: number, gapMs: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    traffic.arrived(clock.now());
    await clock.advance(gapMs);
  }
}

describe('Traffic.effectiveQuietMs', () => {
  it('is quietMs when nothing has been seen', () => {
    expect(traffic.effectiveQuietMs(1_000)).toBe(1_000);
  });

  it('is quietMs when one request has been seen: that tells no gap', async () => {
    await requests(1, 20_000);
    expect(traffic.effectiveQuietMs(1_000)).toBe(1_000);
  });

  it('is quietMs when traffic is dense', async () => {
    await requests(200, 50);
    expect(traffic.effectiveQuietMs(1_000)).toBe(1_000);
  });

  it('is five mean gaps when traffic is sparse', async () => {
    await requests(10, 1_000);
    expect(traffic.effectiveQuietMs(1_000)).toBe(5_000);
  });

  it('takes the whole last window and the present one', async () => {
    // 30 requests in the first 30 s, 10 in the 10 s that follow.
    await requests(40, 1_000);
    traffic.becomeUnready();
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });

  it('does not forget the last window when a new one has only begun', async () => {
    await requests(30, 1_000);
    traffic.arrived(clock.now());
    expect(traffic.effectiveQuietMs(0)).toBeCloseTo((30_000 / 31) * 5);
  });

  it('forgets what is older than two windows', async () => {
    await requests(30, 10);
    await clock.advanceTo(60_000);
    await requests(10, 1_000);
    // The 30 of the first window no longer count.
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });

  it('moves window by window', async () => {
    await requests(300, 100); // 30 s, dense
    await requests(30, 1_000); // 30 s, sparse
    await requests(10, 1_000); // the dense window has gone
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });

  it('looks at the time until readiness failed, not at the time since', async () => {
    await requests(10, 1_000);
    traffic.becomeUnready();
    await clock.advance(8_000);
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });

  it('leaves health probes out', async () => {
    await requests(10, 1_000);
    for (let probe = 0; probe < 8; probe++) {
      traffic.arrived(clock.now());
      traffic.discount();
    }
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });

  it('does not count below zero', async () => {
    traffic.discount();
    await requests(10, 1_000);
    expect(traffic.effectiveQuietMs(0)).toBe(5_000);
  });
});

describe('Traffic.quietSince', () => {
  it('is the moment readiness failed when nothing has arrived since', async () => {
    await clock.advance(500);
    traffic.becomeUnready();
    await clock.advance(700);
    expect(traffic.quietSince).toBe(500);
  });

  it('is the last arrival after readiness failed, on whichever connection', async () => {
    traffic.becomeUnready();
    await clock.advance(300);
    traffic.arrivedUnready(true);
    await clock.advance(300);
    traffic.arrivedUnready(false);
    await clock.advance(300);
    expect(traffic.quietSince).toBe(600);
  });

  it('is now while running', async () => {
    await clock.advance(42);
    expect(traffic.quietSince).toBe(42);
  });
});

describe('Traffic.afterUnready', () => {
  it('counts nothing at first', () => {
    expect(traffic.afterUnready).toEqual({ count: 0 });
  });

  it('counts requests on new connections, with the first and the last', async () => {
    await clock.advance(1_000);
    traffic.becomeUnready();
    await clock.advance(200.4);
    traffic.arrivedUnready(true);
    await clock.advance(100);
    traffic.arrivedUnready(true);
    await clock.advance(100);
    traffic.arrivedUnready(true);
    expect(traffic.afterUnready).toEqual({ count: 3, firstMs: 200, lastMs: 400 });
  });

  it('leaves out those on connections that were there before', async () => {
    traffic.becomeUnready();
    await clock.advance(200);
    traffic.arrivedUnready(false);
    expect(traffic.afterUnready).toEqual({ count: 0 });
  });

  it('takes one back that turns out to be no traffic, and quiet with it', async () => {
    traffic.becomeUnready();
    await clock.advance(200);
    traffic.arrivedUnready(true);
    await clock.advance(200);
    traffic.arrivedUnready(true)();
    expect(traffic.afterUnready).toEqual({ count: 1, firstMs: 200, lastMs: 200 });
    expect(traffic.quietSince).toBe(200);
  });

  it('keeps what has arrived behind one that is taken back', async () => {
    traffic.becomeUnready();
    await clock.advance(200);
    const takeBack = traffic.arrivedUnready(true);
    await clock.advance(200);
    traffic.arrivedUnready(true);
    takeBack();
    expect(traffic.afterUnready).toMatchObject({ count: 1, lastMs: 400 });
    expect(traffic.quietSince).toBe(400);
  });

  it('hands out a copy', async () => {
    traffic.becomeUnready();
    const before = traffic.afterUnready;
    traffic.arrivedUnready(true);
    expect(before.count).toBe(0);
  });
});
