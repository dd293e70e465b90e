import { describe, expect, it } from '@jest/globals';
import { type Roll, type Totals } from '../../../src/drill/result.js';
import { verdictOf, type VerdictFacts } from '../../../src/drill/verdict.js';
import { calm, totals } from './facts.js';

const rollOf = (requests: number): Roll => ({
  lagMs: 0,
  round: 1,
  startedAtMs: 0,
  endedAtMs: 10_000,
  replicas: [],
  samples: {
    dueAtMs: Array.from({ length: requests }, (_, at) => at),
    latencyMs: [],
    outcome: [],
    replica: [],
    request: [],
    outcomes: ['ok'],
  },
});

const judge = (changes: Partial<Totals> = {}, more: Partial<VerdictFacts> = {}) =>
  verdictOf({ totals: { ...totals, ...changes }, thresholds: {}, shutdowns: 6, rolls: [rollOf(2_000)], ...more });

const living = { name: 'worker-1', startedAtMs: 0, wasKilled: false, phases: [] };
const lost = { failed: 2, failuresByKind: { reset: 2 }, answeredByReplicas: 1_998 };

describe('verdictOf', () => {
  it('passes when nothing was lost, and enough was asked', () => {
    expect(judge()).toMatchObject({ conclusion: 'passed', lostNothing: true });
    expect(judge().verdict).toMatch(/^Nothing is lost: none of 2,000 requests failed in 6 shutdowns, /);
  });

  it('fails for one request that was lost', () => {
    expect(judge(lost)).toMatchObject({ conclusion: 'failed', lostNothing: false });
    expect(judge(lost, { thresholds: { maxLoss: 0.0009 } })).toMatchObject({ conclusion: 'failed' });
  });

  it('passes with a loss that is allowed, and does not call it none', () => {
    const tolerated = judge(lost, { thresholds: { maxLoss: 0.001 } });
    expect(tolerated).toMatchObject({ conclusion: 'passed', lostNothing: false });
    expect(tolerated.verdict).toMatch(/^Requests are lost: 2 of 2,000 \(0\.1 %\) .*, and --max-loss allows 0\.1 %\.$/);
  });

  it('fails for answers that are slower than allowed', () => {
    const latency = { duringRolls: { ...calm, p99Ms: 300 }, between: calm };
    expect(judge({ latency }, { thresholds: { maxP99Ms: 300 } }).conclusion).toBe('passed');
    const slow = judge({ latency }, { thresholds: { maxP99Ms: 299 } });
    expect(slow).toMatchObject({ conclusion: 'failed', lostNothing: false });
    expect(slow.verdict).toContain('p99 in rolls is 300 ms, and --max-p99 allows 299 ms');
  });

  it.each([
    ['had to be killed', { killed: 1 }, /1 of 6 shutdowns had to be ended with SIGKILL/],
    ['died by itself', { diedAlone: 1 }, /1 replica died, and nobody had stopped it/],
    ['never saw the signal', { unseenSignals: 6 }, /in 6 of 6 shutdowns the signal never came to the process/],
  ] as const)('fails for a replica that %s, though no request was lost', (_what, changes, said) => {
    expect(judge(changes)).toMatchObject({ conclusion: 'failed', lostNothing: false });
    expect(judge(changes).verdict).toMatch(/^No request was lost, but /);
    expect(judge(changes).verdict).toMatch(said);
  });

  it('tells exit codes that say a failure', () => {
    expect(judge({ failedExits: 3 }).verdict).toMatch(/; 3 of 6 shutdowns ended with an exit code other than 0\.$/);
  });

  it('concludes nothing from losses that are all of its own lateness, and fails for one that is not', () => {
    const own = judge(lost, { ofLateClient: 2 });
    expect(own).toMatchObject({ conclusion: 'not-known', lostNothing: false });
    expect(own.verdict).toBe(
      'Too little to say anything: 2 requests failed (2 reset) because the drill itself was late.',
    );
    expect(judge(lost, { ofLateClient: 1 })).toMatchObject({ conclusion: 'failed' });
    expect(judge({ ...lost, killed: 1 }, { ofLateClient: 2 })).toMatchObject({ conclusion: 'failed' });
  });

  it('concludes nothing from a group of which no process was seen', () => {
    expect(judge({}, { isGroup: true })).toMatchObject({
      conclusion: 'not-known',
      verdict: 'Too little to say anything: no process of the group was seen from inside in roll 1.',
    });
  });

  it('tells what was sent again, and does not count it as lost', () => {
    expect(judge({ repeated: 1 })).toMatchObject({ conclusion: 'passed', lostNothing: true });
    expect(judge({ repeated: 1 }).verdict).toMatch(/; 1 request had to be sent again, refused unseen at first\.$/);
  });

  it.each([
    ['a roll had too few requests', {}, { rolls: [rollOf(2_000), rollOf(199)] }, /199 requests in a roll are too few/],
    ['there was no roll', {}, { rolls: [] }, /0 requests in a roll are too few/],
    ['nobody was stopped', {}, { rolls: [{ ...rollOf(2_000), replicas: [living] }] }, /nobody was stopped in roll 1/],
    ['answers came from elsewhere', { answeredByReplicas: 1_000 }, {}, /1,000 answers did not come from a replica/],
  ] as const)('says nothing when %s', (_what, changes, more, said) => {
    expect(judge(changes, more)).toMatchObject({ conclusion: 'not-known', lostNothing: false });
    expect(judge(changes, more).verdict).toMatch(/^Too little to say anything: /);
    expect(judge(changes, more).verdict).toMatch(said);
    expect(judge({ ...changes, ...lost, answeredByReplicas: 1_998 }, more).conclusion).toBe('failed');
  });

  it('says nothing when a replica was stopped that had answered nothing', () => {
    const idle = {
      name: 'replica-2',
      startedAtMs: 0,
      inRotationAtMs: 1,
      signalledAtMs: 2,
      wasKilled: false,
      phases: [],
    };
    const rolls = [{ ...rollOf(2_000), replicas: [{ ...idle, answered: 0 }] }];
    expect(judge({}, { rolls })).toMatchObject({ conclusion: 'not-known' });
    expect(judge({}, { rolls: [{ ...rolls[0]!, replicas: [{ ...idle, answered: 1 }] }] }).conclusion).toBe('passed');
  });

  it('marks what was not made to its end, and does not conclude that nothing is lost', () => {
    const partial = { kind: 'interrupted', reason: 'SIGINT' } as const;
    expect(judge({}, { partial })).toMatchObject({ conclusion: 'not-known', lostNothing: false });
    expect(judge({}, { partial }).verdict).toMatch(/^Partial, since it was interrupted \(SIGINT\)\. Nothing is lost/);
    expect(judge(lost, { partial }).conclusion).toBe('failed');
  });
});
