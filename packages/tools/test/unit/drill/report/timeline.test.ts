import { describe, expect, it } from '@jest/globals';
import { failuresOf } from '../../../../src/drill/report/failures.js';
import { lanesOf, type Band } from '../../../../src/drill/report/lanes.js';
import { latencyByPart, quantilesOf } from '../../../../src/drill/report/latency.js';
import { slicesOf } from '../../../../src/drill/report/slices.js';
import { type ReplicaTimeline, type Roll } from '../../../../src/drill/result.js';

const none = { dueAtMs: [], latencyMs: [], outcome: [], replica: [], request: [], outcomes: ['ok', 'reset'] };
const old: ReplicaTimeline = {
  name: 'api-1',
  startedAtMs: -500,
  readyAtMs: 100,
  inRotationAtMs: 200,
  stoppingAtMs: 2_000,
  signalledAtMs: 2_000,
  unreadyAtMs: 2_050,
  outOfRotationAtMs: 2_400,
  exitedAtMs: 3_500,
  exitCode: 0,
  wasKilled: false,
  phases: [],
};
const rollOf = (replica: Partial<ReplicaTimeline>, samples: Partial<Roll['samples']> = {}): Roll => ({
  lagMs: 0,
  round: 1,
  startedAtMs: 1_000,
  endedAtMs: 5_000,
  replicas: [{ ...old, ...replica }],
  samples: { ...none, ...samples },
});
const lane = (replica: Partial<ReplicaTimeline>) => {
  const [first] = lanesOf(rollOf(replica), 'SIGTERM');
  if (!first) throw new Error('Expected a lane.');
  return first;
};
const drawn = (bands: readonly Band[]) => bands.map(({ state, fromMs, toMs }) => `${state} ${fromMs}-${toMs}`);

describe('lanesOf', () => {
  it('counts from the beginning of the roll, and clips what was before', () => {
    expect(drawn(lane({}).process)).toEqual(['serving 0-1000', 'stopping 1000-2500']);
    expect(drawn(lane({}).readiness)).toEqual(['ready 0-1050', 'not-ready 1050-2500']);
  });

  it('shows the phases of nestjs-drain where they are known', () => {
    const phases = [
      { phase: 'running', atMs: 0 },
      { phase: 'lame-duck', atMs: 2_000 },
      { phase: 'draining', atMs: 3_000 },
      { phase: 'releasing', atMs: 3_200 },
    ];
    expect(drawn(lane({ phases }).process)).toEqual([
      'serving 0-1000',
      'lame-duck 1000-2000',
      'draining 2000-2200',
      'releasing 2200-2500',
    ]);
  });

  it('shows a preStop before the signal', () => {
    expect(drawn(lane({ stoppingAtMs: 1_500 }).process)).toContain('pre-stop 500-1000');
  });

  it('shows how long the balancer still sent connections to it', () => {
    expect(drawn(lane({}).rotation)).toEqual(['in-rotation 0-1050', 'leaving 1050-1400', 'out 1400-2500']);
  });

  it('shows that the balancer sent connections to a process that was gone', () => {
    const { rotation, process } = lane({ exitedAtMs: 2_040 });
    expect(drawn(rotation)).toEqual(['in-rotation 0-1050', 'leaving 1050-1400']);
    expect(process.at(-1)?.toMs).toBe(1_040);
  });

  it('goes to the end of the chart for what still runs', () => {
    const running = {
      stoppingAtMs: undefined,
      signalledAtMs: undefined,
      unreadyAtMs: undefined,
      outOfRotationAtMs: undefined,
    };
    const { process, rotation, marks } = lane({ ...running, exitedAtMs: undefined });
    expect(drawn(process)).toEqual(['serving 0-4000']);
    expect(drawn(rotation)).toEqual(['in-rotation 0-4000']);
    expect(marks).toEqual([]);
  });

  it('marks the signal, and the end with its code or as a kill', () => {
    const ends = (replica: Partial<ReplicaTimeline>) => lane(replica).marks.map(({ kind, text }) => `${kind}: ${text}`);
    expect(ends({})).toEqual(['signal: SIGTERM', 'exit: exit 0, 1.5\u00a0s after SIGTERM']);
    expect(ends({ exitCode: null, exitSignal: 'SIGTERM' })[1]).toContain('exit: died of SIGTERM');
    expect(ends({ wasKilled: true })[1]).toContain('killed: SIGKILL');
  });
});

describe('failuresOf', () => {
  const momentOf = (dueAtMs: number, latencyMs: number, replica = 0): string | undefined =>
    failuresOf(
      rollOf({}, { dueAtMs: [dueAtMs], latencyMs: [latencyMs], outcome: [1], replica: [replica], request: [0] }),
      'SIGTERM',
    )[0]?.moment;

  it('says when, relative to the signal of its own replica', () => {
    expect(momentOf(2_040, 5)).toBe('40\u00a0ms after SIGTERM');
    expect(momentOf(1_900, 20)).toBe('80\u00a0ms before SIGTERM');
    expect(momentOf(1_900, 130)).toBe('30\u00a0ms after SIGTERM, asked 100\u00a0ms before it');
  });

  it('takes the nearest signal when the replica is not known', () => {
    expect(momentOf(2_040, 5, -1)).toBe('40\u00a0ms after SIGTERM to api-1');
  });

  it('says so when there was no signal', () => {
    const samples = { dueAtMs: [1_500], latencyMs: [1], outcome: [1], replica: [0], request: [0] };
    const [failure] = failuresOf(rollOf({ signalledAtMs: undefined }, samples), 'SIGTERM');
    expect(failure?.moment).toBe('no SIGTERM was sent');
  });
});

describe('latencyByPart', () => {
  it('parts a roll where the first stop begins and the last has ended, and leaves failures out', () => {
    const parts = latencyByPart(
      rollOf({}, { dueAtMs: [1_100, 2_500, 2_600, 4_000], latencyMs: [1, 2, 99, 4], outcome: [0, 0, 1, 0] }),
    );
    expect([parts.before.maxMs, parts.during.maxMs, parts.after.maxMs]).toEqual([1, 2, 4]);
  });

  it('takes quantiles that were really measured', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantilesOf(hundred)).toEqual({ count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100 });
  });
});

describe('slicesOf', () => {
  it('counts every request once, in slices of a round length', () => {
    const slices = slicesOf(
      rollOf({}, { dueAtMs: [1_000, 1_150, 1_200, 5_000], latencyMs: [1, 2, 3, 4], outcome: [0, 1, 0, 0] }),
      24,
    );
    expect(slices.map(({ fromMs, failed, latency }) => [fromMs, latency.count, failed])).toEqual([
      [0, 1, 1],
      [200, 1, 0],
      [4_000, 1, 0],
    ]);
  });
});
