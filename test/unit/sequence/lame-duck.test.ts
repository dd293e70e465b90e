import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LameDuckWindow, noLameDuck, tellingMs, trafficHasLeft } from '../../../src/sequence/lame-duck.js';
import { Probes } from '../../../src/sequence/probes.js';
import { Traffic } from '../../../src/sequence/traffic.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

let clock: FakeClock;
let traffic: Traffic;
let probes: Probes;
let interruption: AbortController;
let leftAt: number | undefined;

beforeEach(() => {
  clock = new FakeClock();
  traffic = new Traffic(clock);
  probes = new Probes();
  interruption = new AbortController();
  leftAt = undefined;
});

afterEach(() => {
  expect(leftAt).toBeDefined();
  clock.assertNoTimerLeft();
});

async function begin(window: Partial<LameDuckWindow>): Promise<void> {
  traffic.becomeUnready();
  const asked = { minMs: 5_000, quietMs: 1_000, maxMs: 10_000, awaitsProbe: false, ...window };
  void trafficHasLeft(asked, { clock, traffic, probes }, interruption.signal).then(() => (leftAt = clock.now()));
  await settle();
}

async function requestAt(at: number): Promise<void> {
  await clock.advanceTo(at);
  traffic.arrivedUnready(false);
}

describe('trafficHasLeft', () => {
  it('ends at minMs when nothing arrives', async () => {
    await begin({});
    await clock.advance(4_999);
    expect(leftAt).toBeUndefined();
    await clock.advance(1);
    expect(leftAt).toBe(5_000);
  });

  it('never lets quiet shorten minMs', async () => {
    await begin({ quietMs: 0 });
    await requestAt(100);
    await clock.advance(20_000);
    expect(leftAt).toBe(5_000);
  });

  it('extends minMs until it has been quiet for quietMs', async () => {
    await begin({});
    await requestAt(4_800);
    await clock.advance(20_000);
    expect(leftAt).toBe(5_800);
  });

  it('extends again for a request that arrives in the extension', async () => {
    await begin({});
    await requestAt(4_800);
    await requestAt(5_700);
    await clock.advance(20_000);
    expect(leftAt).toBe(6_700);
  });

  it('hears what came while the process stood still before it takes that for quiet', async () => {
    let stoodStillMs = 0;
    const now = () => clock.now() + stoodStillMs;
    const late = { now, date: () => clock.date(), after: clock.after.bind(clock) };
    traffic = new Traffic(late);
    traffic.becomeUnready();
    const window = { minMs: 5_000, quietMs: 1_000, maxMs: 20_000, awaitsProbe: false };
    const left = trafficHasLeft(window, { clock: late, traffic, probes }, interruption.signal);
    void left.then(() => (leftAt = now()));
    await clock.advance(4_000);
    stoodStillMs = 3_000;
    const woken = clock.advance(1_000);
    // A turn to accept its connection, and one to read the request.
    setImmediate(() => setImmediate(() => traffic.arrivedUnready(true)));
    await woken;
    await settle();
    await settle();
    await clock.advance(999);
    expect(leftAt).toBeUndefined();
    await clock.advance(1);
    expect(leftAt).toBe(9_000);
  });

  it('ends at maxMs when it is never quiet', async () => {
    await begin({});
    for (let at = 500; at < 10_000; at += 500) await requestAt(at);
    expect(leftAt).toBeUndefined();
    await clock.advance(500);
    expect(leftAt).toBe(10_000);
  });

  it('caps quiet by maxMs', async () => {
    await begin({ quietMs: 60_000 });
    await clock.advance(60_000);
    expect(leftAt).toBe(10_000);
  });

  it('stretches quiet for low traffic to five times the mean gap seen before', async () => {
    for (let at = 0; at < 10_000; at += 500) {
      await clock.advanceTo(at);
      traffic.arrived(at);
    }
    await clock.advanceTo(10_000);
    await begin({ minMs: 0 });
    await clock.advance(60_000);
    // 20 requests in 10,000 ms: a mean gap of 500 ms.
    expect(leftAt).toBe(10_000 + 2_500);
  });

  it('takes no time at all where there is no lame duck', async () => {
    await begin(noLameDuck);
    expect(leftAt).toBe(0);
  });

  it('does not end before a probe has seen readiness fail', async () => {
    await begin({ awaitsProbe: true });
    await clock.advance(7_000);
    expect(leftAt).toBeUndefined();
    probes.answered(false);
    await settle();
    expect(leftAt).toBe(7_000);
  });

  it('keeps minMs after a probe has seen readiness fail', async () => {
    await begin({ awaitsProbe: true });
    await clock.advance(1_000);
    probes.answered(false);
    await clock.advance(20_000);
    expect(leftAt).toBe(5_000);
  });

  it('keeps waiting for quiet after a probe has seen readiness fail', async () => {
    await begin({ awaitsProbe: true });
    await requestAt(6_800);
    await clock.advance(200);
    probes.answered(false);
    await clock.advance(20_000);
    expect(leftAt).toBe(7_800);
  });

  it('waits for a probe no longer than maxMs', async () => {
    await begin({ awaitsProbe: true });
    await clock.advance(60_000);
    expect(leftAt).toBe(10_000);
  });

  it('is not told anything by a probe that sees readiness hold', async () => {
    await begin({ awaitsProbe: true });
    probes.answered(true);
    await clock.advance(9_999);
    expect(leftAt).toBeUndefined();
    await clock.advance(1);
    expect(leftAt).toBe(10_000);
  });

  it.each([false, true])('ends at once when it is interrupted (awaits a probe: %p)', async (awaitsProbe) => {
    await begin({ awaitsProbe });
    await clock.advance(1_234);
    interruption.abort();
    await settle();
    expect(leftAt).toBe(1_234);
  });

  it('does not begin when it was interrupted before', async () => {
    interruption.abort();
    await begin({});
    expect(leftAt).toBe(0);
  });
});

describe('A lame duck in which clients leave, and nobody new comes', () => {
  const window = { ...noLameDuck, minMs: 500, maxMs: 6_000 };

  async function leave(clientsGone: LameDuckWindow['clientsGone']): Promise<void> {
    const asked = { ...window, clientsGone };
    void trafficHasLeft(asked, { clock, traffic, probes }, interruption.signal).then(() => (leftAt = clock.now()));
    await settle();
  }

  it('ends when none is left', async () => {
    let gone: () => void = () => undefined;
    await leave(() => new Promise((resolve) => (gone = resolve)));
    await clock.advance(2_000);
    expect(leftAt).toBeUndefined();
    gone();
    await settle();
    expect(leftAt).toBe(2_000);
  });

  it('never ends before minMs', async () => {
    await leave(() => Promise.resolve());
    await clock.advance(499);
    expect(leftAt).toBeUndefined();
    await clock.advance(1);
    expect(leftAt).toBe(500);
  });

  it('ends at maxMs, and waits for nobody any longer', async () => {
    let cancelled: AbortSignal | undefined;
    await leave((signal) => {
      cancelled = signal;
      return new Promise(() => undefined);
    });
    await clock.advance(5_999);
    expect([leftAt, cancelled?.aborted]).toEqual([undefined, false]);
    await clock.advance(1);
    expect([leftAt, cancelled?.aborted]).toEqual([6_000, true]);
  });

  it('ends at once when it is interrupted', async () => {
    await leave(() => new Promise(() => undefined));
    await clock.advance(1_000);
    interruption.abort();
    await settle();
    expect(leftAt).toBe(1_000);
  });

  it('has clients told over most of it, and others over the least that it lasts', () => {
    leftAt = 0;
    expect(tellingMs({ ...window, clientsGone: () => Promise.resolve() })).toBe(4_500);
    expect(tellingMs(window)).toBe(500);
  });
});
