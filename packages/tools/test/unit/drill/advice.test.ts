import { describe, expect, it } from '@jest/globals';
import { isOfLateClient } from '../../../src/drill/advice/client-late.js';
import { adviceOf } from '../../../src/drill/advice/index.js';
import { calm, factsOf, failed, plain, settings, stopped, totals } from './facts.js';

const codes = (...changes: Parameters<typeof factsOf>): string[] =>
  adviceOf(factsOf(...changes)).map(({ code }) => code);

const fresh = { reusedConnection: false };
/** One that ended at once, having nothing to say. */
const sudden = { exitedAtMs: 10_010, unreadyStatus: undefined, listenerExited: false };
/** It died of a signal that came to no listener. */
const unheard = { signalsSeen: [], exitCode: null, exitSignal: 'SIGTERM' } as const;
/** One whose signal reached npm alone. */
const underNpm = { ...sudden, ...unheard, pid: 99 };

describe('adviceOf', () => {
  it('has nothing to say when nothing is wrong', () => {
    expect(adviceOf(factsOf({ replicas: [stopped(), plain()] }))).toEqual([]);
    expect(adviceOf(factsOf({ replicas: [plain({ listener: undefined })], deregisters: false }))).toEqual([]);
  });

  it('npm-as-pid-1: the process that listens is a child of what was signalled, and did nothing about it', () => {
    const replica = plain(underNpm);
    const facts = { replicas: [replica], failures: [failed(replica, 'refused', 20, 1, fresh)] };
    const [advice, ...others] = adviceOf(
      factsOf({ ...facts, settings: { ...settings, command: ['/usr/bin/npm', 'start'] } }),
    );
    expect(others).toEqual([]);
    expect(advice).toMatchObject({ code: 'npm-as-pid-1' });
    expect(advice!.finding).toMatch(/^SIGTERM went to npm, .* in 1 of 1 shutdown\. 1 request failed \(1 refused\)\.$/);
  });

  it('is silent about npm when it passes the signal on', () => {
    expect(codes({ replicas: [stopped({ pid: 99 }), plain({ pid: 99 })] })).toEqual([]);
  });

  it('is silent about npm when the signal came to the process that listens, however that ended', () => {
    expect(codes({ replicas: [plain({ ...underNpm, signalsSeen: ['SIGTERM'] })] })).toEqual([]);
  });

  it('signal-unseen: the process that listens never came to its listeners', () => {
    const replica = plain({ wasKilled: true, exitedAtMs: 40_000, listenerExited: false, signalsSeen: [] });
    expect(codes({ replicas: [replica], failures: [failed(replica, 'timed-out', 100, 10_000)] })).toEqual([
      'signal-unseen',
    ]);
    expect(codes({ replicas: [plain({ wasKilled: true, exitedAtMs: 40_000 })] })).toEqual(['killed']);
  });

  it('died-alone: nobody had stopped it, and with nobody left requests are refused', () => {
    const replica = plain({ diedAlone: true, exitCode: 7, signalsSeen: [], listenerExited: false });
    const failures = [failed(replica, 'reset', -10, 15), failed(undefined, 'refused', 20_000)];
    const [advice, ...others] = adviceOf(factsOf({ replicas: [replica, stopped()], failures }));
    expect(others).toEqual([]);
    expect(advice!.finding).toMatch(/^1 of 2 replicas ended by .*: replica-1 with exit code 7\. 2 requests failed/);
  });

  it('failed-exit: it stopped, and said that something had gone wrong', () => {
    expect(codes({ replicas: [stopped({ exitCode: 3 }), stopped()] })).toEqual(['failed-exit']);
    expect(codes({ replicas: [stopped({ exitCode: null, exitSignal: 'SIGTERM' })] })).toEqual([]);
  });

  it('readiness-flaps, left-group: both are named', () => {
    const replica = stopped({ flaps: 4, stragglers: ['redis-server (12)'] });
    expect(codes({ replicas: [replica] })).toEqual(['left-group', 'readiness-flaps']);
  });

  it('client-late: what the client itself delayed is not blamed on the service', () => {
    const slow = { ...calm, p99Ms: 2_000 };
    const latency = { duringRolls: slow, between: calm };
    const late = { ...totals, latency, clientLate: { maxMs: 9_000, totalMs: 12_000 } };
    const replica = stopped();
    const failures = [failed(replica, 'timed-out', 100, 10_000), failed(replica, 'status-500', 20_000)];
    const stalls = [{ fromMs: 10_100, toMs: 19_100 }];
    expect(codes({ totals: { ...totals, latency } })).toEqual(['latency-in-rolls']);
    expect(codes({ totals: late, failures, stalls, replicas: [replica] })).toEqual([
      'client-late',
      '5xx-during-shutdown',
    ]);
    // 2,000 requests at 100 a second: in 20 s, less than a hundredth.
    const hardly = { ...late, clientLate: { maxMs: 199, totalMs: 199 } };
    expect(codes({ totals: hardly })).toEqual(['latency-in-rolls']);
  });

  it.each([
    [
      'that its balancer, had it been on time, would not have sent there',
      5_600,
      [{ fromMs: 10_100, toMs: 14_000 }],
      true,
    ],
    ['that would have been sent there all the same', 1_500, [{ fromMs: 10_100, toMs: 14_000 }], false],
    ['when it was late before the signal', 5_600, [{ fromMs: 5_000, toMs: 9_900 }], false],
    ['when it was not late', 5_600, [], false],
  ])('tells whether the drill is to blame for a refusal %s', (_what, sentMs, stalls, isOwn) => {
    const replica = stopped({ outOfRotationAtMs: 16_000 });
    expect(isOfLateClient(failed(replica, 'refused', sentMs, 1), { stalls })).toBe(isOwn);
    expect(isOfLateClient(failed(replica, 'reset', sentMs, 1), { stalls })).toBe(false);
    const neverUnready = stopped({ outOfRotationAtMs: 16_000, unreadyAtMs: undefined });
    expect(isOfLateClient(failed(neverUnready, 'refused', sentMs, 1), { stalls })).toBe(false);
  });

  it('no-signal-handler: nothing listens for the signal', () => {
    const listener = { pid: 100, address: '::', signalListeners: { SIGTERM: 0 } };
    const replica = plain({ ...sudden, ...unheard, listener });
    expect(codes({ replicas: [replica], failures: [failed(replica, 'reset', -10, 15)] })).toEqual([
      'no-signal-handler',
    ]);
    // It died of the signal, and the drill was late to notice.
    const noticedLate = plain({ ...sudden, ...unheard, listener, exitedAtMs: 12_000 });
    expect(codes({ replicas: [noticedLate] })).toEqual(['no-signal-handler']);
    // A handler that listened once is gone when it has been called.
    const onced = plain({ ...sudden, listener, signalsSeen: ['SIGTERM'] });
    expect(codes({ replicas: [onced], failures: [failed(onced, 'refused', 20, 1)] })).toEqual([
      'listener-closed-before-traffic-left',
    ]);
  });

  it('no-signal-handler, seen from outside alone: it died of the signal at once', () => {
    const replica = plain({ ...sudden, ...unheard, listener: undefined });
    expect(codes({ replicas: [replica] })).toEqual(['no-signal-handler']);
    // A Nest application dies of its signal, too, when all is done.
    expect(codes({ replicas: [plain({ ...unheard, listener: undefined })] })).toEqual([]);
  });

  it('killed: it outlived its grace', () => {
    const replica = plain({ wasKilled: true, exitedAtMs: 40_000, exitSignal: 'SIGKILL', exitCode: null });
    const [advice] = adviceOf(factsOf({ replicas: [replica], failures: [failed(replica, 'reset', 29_900, 100)] }));
    expect(advice).toMatchObject({ code: 'killed' });
    expect(advice!.finding).toMatch(
      /^1 of 1 replica still ran at the end of the grace of 30 s .* 1 request failed then/,
    );
  });

  it('killed, with nestjs-drain: says how far it had come, and how to fit the grace', () => {
    const replica = stopped({ wasKilled: true, phases: stopped().phases.slice(0, 2), report: undefined });
    const [advice] = adviceOf(factsOf({ replicas: [replica] }));
    expect(advice!.finding).toMatch(/had come to "draining"/);
    expect(advice!.fix).toMatch(/gracePeriodMs to 30000/);
  });

  it('readiness-not-watched: nestjs-drain went without a lame duck, never having been asked', () => {
    const replica = stopped({
      phases: [
        { phase: 'lame-duck', atMs: 10_001 },
        { phase: 'draining', atMs: 10_002 },
      ],
    });
    const failures = [failed(replica, 'status-503', 10), failed(replica, 'refused', 300, 1, fresh)];
    const advice = adviceOf(factsOf({ replicas: [replica], failures }));
    expect(advice.map(({ code }) => code)).toEqual(['readiness-not-watched']);
    expect(advice[0]!.finding).toMatch(/2 requests failed/);
    expect(advice[0]!.fix).toMatch(/ReadinessHealthIndicator/);
  });

  it('readiness-not-watched: it answers 200 in the lame duck', () => {
    const replica = stopped({ lastReadyAtMs: 14_900, unreadyStatus: undefined });
    expect(
      codes({ replicas: [replica], failures: [failed(replica, 'status-503', 5_100)], deregisters: false }),
    ).toEqual(['readiness-not-watched']);
  });

  it('no-lame-duck: another signal than SIGTERM goes without', () => {
    const replica = stopped({
      phases: [
        { phase: 'lame-duck', atMs: 10_001 },
        { phase: 'draining', atMs: 10_002 },
      ],
    });
    const facts = { replicas: [replica], failures: [failed(replica, 'status-503', 10)] };
    const [advice] = adviceOf(factsOf({ ...facts, settings: { ...settings, signal: 'SIGINT' } }));
    expect(advice).toMatchObject({ code: 'no-lame-duck' });
  });

  it('drain-too-short: the report says so', () => {
    const report = { outcome: 'timed-out', leftovers: [{ kind: 'request', name: 'GET /orders' }] };
    const replica = stopped({ report });
    const advice = adviceOf(factsOf({ replicas: [replica], failures: [failed(replica, 'reset', 4_900, 1_100)] }));
    expect(advice.map(({ code }) => code)).toEqual(['drain-too-short']);
    expect(advice[0]!.finding).toMatch(/1 leftover \(request GET \/orders\)/);
  });

  it('drain-too-short: what was waited for is cut at one time after every signal', () => {
    const replicas = [
      plain({ exitedAtMs: 15_000 }),
      plain({ name: 'replica-2', signalledAtMs: 20_000, exitedAtMs: 25_000 }),
    ];
    const failures = replicas.flatMap((replica) => [
      failed(replica, 'reset', 4_000, 1_000),
      failed(replica, 'reset', -900, 5_900),
    ]);
    const [advice, ...others] = adviceOf(factsOf({ replicas, failures }));
    expect(others).toEqual([]);
    expect(advice).toMatchObject({ code: 'drain-too-short' });
    expect(advice!.fix).toMatch(/about 5 s/);
  });

  it('readiness-never-fails: readiness alone takes it out, and is green to the end', () => {
    const replica = plain({
      lastReadyAtMs: 15_950,
      unreadyAtMs: 16_050,
      unreadyStatus: undefined,
      outOfRotationAtMs: 18_050,
    });
    const facts = { replicas: [replica], failures: [failed(replica, 'refused', 6_500, 1, fresh)] };
    expect(codes({ ...facts, deregisters: false })).toEqual(['readiness-never-fails']);
    // A platform that withdraws the endpoint by itself does not ask.
    expect(codes(facts)).toEqual(['listener-closed-before-traffic-left']);
  });

  it('listener-closed-before-traffic-left: new connections are refused within the lag', () => {
    const replica = plain({ unreadyStatus: undefined });
    const [advice] = adviceOf(
      factsOf({
        replicas: [replica],
        failures: [failed(replica, 'refused', 50, 1, fresh), failed(replica, 'reset', 60, 1, fresh)],
      }),
    );
    expect(advice).toMatchObject({ code: 'listener-closed-before-traffic-left' });
    expect(advice!.finding).toMatch(/from 51 ms after SIGTERM on, .* up to 2 s .* 2 requests failed/);
  });

  it('503-while-routed: names the lame duck and the lag', () => {
    const replica = stopped({
      lagMs: 8_000,
      outOfRotationAtMs: 18_000,
      report: undefined,
    });
    const [advice, ...others] = adviceOf(
      factsOf({ replicas: [replica], failures: [failed(replica, 'status-503', 5_200)] }),
    );
    expect(others).toEqual([]);
    expect(advice).toMatchObject({ code: '503-while-routed', fix: expect.stringMatching(/lameDuck\.minMs above 8 s/) });
    expect(advice!.finding).toMatch(/It served on for 5 s, and the balancer took 8 s to leave it/);
  });

  it('5xx-during-shutdown: it fails by itself while it stops', () => {
    const replica = plain();
    expect(codes({ replicas: [replica], failures: [failed(replica, 'status-500', 500)] })).toEqual([
      '5xx-during-shutdown',
    ]);
  });

  it('keep-alive-cut: a kept connection is reset under the next request', () => {
    const replica = plain();
    expect(codes({ replicas: [replica], failures: [failed(replica, 'reset', 3_000)] })).toEqual(['keep-alive-cut']);
  });

  it('in-flight-cut: what was in progress at the signal is not finished', () => {
    const replica = plain({ exitedAtMs: 10_020 });
    const failures = [failed(replica, 'reset', -200, 220), failed(replica, 'cut-short', -50, 70)];
    expect(codes({ replicas: [replica], failures })).toEqual(['in-flight-cut']);
  });

  it('lost-at-rest: no shutdown explains it', () => {
    const replica = plain();
    expect(codes({ failures: [failed(undefined, 'status-500', 100)] })).toEqual(['lost-at-rest']);
    expect(codes({ replicas: [replica], failures: [failed(replica, 'status-500', -500)] })).toEqual(['lost-at-rest']);
    const [advice] = adviceOf(factsOf({ failures: [failed(undefined, 'reset', 100)] }));
    expect(advice!.fix).toMatch(/keepAliveTimeout/);
  });

  it('slow-shutdown: it was done in time, barely', () => {
    expect(codes({ replicas: [plain({ exitedAtMs: 35_000 })] })).toEqual(['slow-shutdown']);
    expect(codes({ replicas: [plain({ exitedAtMs: 33_000 })] })).toEqual([]);
  });

  it('latency-in-rolls: clients notice', () => {
    const latency = { duringRolls: { ...calm, p99Ms: 900 }, between: calm };
    expect(codes({ totals: { ...totals, latency } })).toEqual(['latency-in-rolls']);
    expect(codes({ totals: { ...totals, latency: { ...latency, between: { ...calm, count: 50 } } } })).toEqual([]);
  });

  it('accounts for every failure once', () => {
    const replica = plain();
    const failures = [
      failed(replica, 'refused', 100, 1, fresh),
      failed(replica, 'status-500', 200),
      failed(replica, 'reset', 300),
      failed(replica, 'cut-short', -100, 500),
      failed(undefined, 'timed-out', 100, 10_000),
    ];
    const advice = adviceOf(factsOf({ replicas: [replica], failures }));
    const told = advice.map(({ finding }) => Number(/(\d+) requests? /.exec(finding)?.[1]));
    expect(told.reduce((sum, number) => sum + number, 0)).toBe(failures.length);
  });
});
