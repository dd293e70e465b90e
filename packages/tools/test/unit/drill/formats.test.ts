import { describe, expect, it } from '@jest/globals';
import { jsonOf } from '../../../src/drill/formats/json.js';
import { junitOf } from '../../../src/drill/formats/junit.js';
import { textOf } from '../../../src/drill/formats/text.js';
import { nothingObserved } from '../../../src/drill/observations.js';
import { type RecordedRequest, type ReplicaLife } from '../../../src/drill/record.js';
import { resultOf } from '../../../src/drill/result-builder.js';
import { type DrillResult } from '../../../src/drill/result.js';
import { settings } from './facts.js';

const origin = 5_000;

/**
 * A roll of one replica that was signalled at 1 s and had gone at 2 s, with 200 requests, every `k`-th of which failed.
 */
function result({ everyKth = Infinity, kind = 'status-503', detail = '', killed = false } = {}): DrillResult {
  const life: ReplicaLife = {
    name: 'replica-1',
    startedAt: origin - 500,
    readyAt: origin - 100,
    inRotationAt: origin - 50,
    stoppingAt: origin + 1_000,
    signalledAt: origin + 1_000,
    outOfRotationAt: origin + 1_500,
    exitedAt: origin + 2_000,
    lagMs: 500,
    exit: { exitCode: 0, signal: null, ms: 1_000, killed },
    observations: { ...nothingObserved, report: { outcome: 'drained', advice: ['Raise minMs.'] } },
    output: 'all that it said',
  };
  const successor: ReplicaLife = { name: 'replica-2', startedAt: origin + 500, observations: nothingObserved };
  const requests = Array.from({ length: 200 }, (_, at): RecordedRequest => {
    const dueAt = origin + at * 15;
    const fails = (at + 1) % everyKth === 0;
    const served = fails || at % 2 === 0 ? life : successor;
    return {
      dueAt,
      sentAt: dueAt,
      endedAt: dueAt + 10,
      request: 0,
      outcome: fails ? kind : 'ok',
      detail: fails ? detail : undefined,
      reusedConnection: true,
      life: served,
    };
  });
  return resultOf({
    settings,
    thresholds: {},
    about: { node: '24.0.0' },
    deregisters: true,
    knowsServers: true,
    startedAt: '2026-01-01T00:00:00.000Z',
    origin,
    endedAt: origin + 3_001,
    lives: [life, successor],
    rolls: [
      {
        lagMs: 500,
        round: 1,
        startedAt: origin,
        rollingAt: origin + 500,
        endedAt: origin + 3_001,
        lives: new Set([life, successor]),
      },
    ],
    // As they end, not as they were due.
    requests: requests.reverse(),
    clientStalls: [],
  });
}

describe('resultOf', () => {
  it('adds up to the one', () => {
    const { totals, rolls, failures } = result({ everyKth: 10 });
    expect(totals).toMatchObject({ requests: 200, failed: 20, failuresByKind: { 'status-503': 20 } });
    const { samples } = rolls[0]!;
    expect(samples.dueAtMs).toHaveLength(200);
    expect(samples.outcome.filter((outcome) => samples.outcomes[outcome] === 'status-503')).toHaveLength(20);
    expect(failures).toHaveLength(20);
    expect(totals.latency.duringRolls.count + totals.latency.between.count).toBe(180);
    expect(rolls[0]!.replicas).toHaveLength(2);
  });

  it('tells instants from the first request on, in the order they were due', () => {
    const { rolls, failures, durationMs } = result({ everyKth: 100 });
    expect(rolls[0]!.replicas[0]).toMatchObject({ startedAtMs: -500, signalledAtMs: 1_000, exitedAtMs: 2_000 });
    expect(rolls[0]!.replicas[1]).toMatchObject({ exitedAtMs: undefined, wasKilled: false });
    expect(rolls[0]!.samples.dueAtMs.slice(0, 3)).toEqual([0, 15, 30]);
    expect(failures.map(({ atMs, sinceSignalMs }) => [atMs, sinceSignalMs])).toEqual([
      [1_495, 495],
      [2_995, 1_995],
    ]);
    expect(durationMs).toBe(3_001);
  });

  it('keeps what a replica printed only when there is something to look for', () => {
    expect(result().rolls[0]!.replicas[0]!.output).toBeUndefined();
    expect(result({ everyKth: 10 }).rolls[0]!.replicas[0]!.output).toBe('all that it said');
  });

  it('says in its verdict what was lost', () => {
    expect(result()).toMatchObject({ lostNothing: true, advice: [] });
    expect(result().verdict).toBe(
      'Nothing is lost: none of 200 requests failed in 1 shutdown, so that with 95 % confidence fewer than 1.5 % are lost.',
    );
    expect(result({ everyKth: 10 }).lostNothing).toBe(false);
    expect(result({ everyKth: 10 }).verdict).toMatch(
      /^Requests are lost: 20 of 200 \(10 %\) failed in 1 shutdown: 20 answered 503\.$/,
    );
    expect(result({ killed: true })).toMatchObject({ lostNothing: false });
    expect(result({ killed: true }).verdict).toMatch(
      /^No request was lost, but 1 of 1 shutdown had to be ended with SIGKILL/,
    );
  });
});

describe('jsonOf', () => {
  it('is the result as it is', () => {
    const found = result({ everyKth: 10 });
    expect(JSON.parse(jsonOf(found))).toEqual(JSON.parse(JSON.stringify(found)));
  });
});

describe('textOf', () => {
  it('begins with the verdict and has the figures, the rolls and the advice', () => {
    const text = textOf(result({ everyKth: 10 }));
    expect(text).toMatch(/^Requests are lost: 20 of 200/);
    expect(text).toMatch(/ {2}failed {8}20 \(10 %\)\n/);
    expect(text).toMatch(/ {2}nestjs-drain {2}1 drained\n/);
    expect(text).toMatch(/500 ms {2}1 {6}200 {7}20 /);
    expect(text).toMatch(/\nnestjs-drain itself advises\n {2}- Raise minMs\.\n$/);
    expect(text).toMatch(/\n503-while-routed\n {2}The application answered 503/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('textOf with an earlier result', () => {
  it('puts both beside each other', () => {
    const text = textOf(result(), result({ everyKth: 10 }));
    expect(text).toMatch(/^Nothing is lost/);
    expect(text).toMatch(/\n {10,}before {2,}now\n/);
    expect(text).toMatch(/\n {2}failed {2,}20 \(10 %\) {2,}0 \(0 %\)\n/);
    expect(text).toMatch(/\n {4}status 503 {2,}20 {2,}0\n/);
  });
});

describe('junitOf', () => {
  it('has a suite for each roll, and a case for each shutdown', () => {
    const xml = junitOf(result());
    expect(elementsOf(xml)).toEqual(['testsuites', 'testsuite', ...Array<string>(3).fill('testcase'), 'system-out']);
    expect(xml).toContain('<testsuites name="nestjs-drain drill" tests="3" failures="0" time="3.001">');
    expect(xml).toContain('name="replica-1 stops without losing a request"');
  });

  it('fails the case of the shutdown that lost, or was killed', () => {
    const xml = junitOf(result({ everyKth: 10, killed: true }));
    expect(elementsOf(xml)).toContain('failure');
    expect(xml).toMatch(/tests="3" failures="2"/);
    expect(xml).toMatch(/message="20 requests failed: 20 answered 503; ended with SIGKILL after 30 s"/);
  });

  it('is well formed, whatever an application says', () => {
    const xml = junitOf(result({ everyKth: 20, detail: '</failure>]]>&"\u0000\u001b[31m\ud83d\ude00' }));
    expect(elementsOf(xml)).toContain('failure');
    expect(xml).not.toMatch(/[\u0000-\u0008\u001b]/);
  });
});

/** The elements in the order they begin. Throws where they are not closed in order, or text is not escaped. */
function elementsOf(xml: string): string[] {
  const open: string[] = [];
  const begun: string[] = [];
  const rest = xml
    .replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
    .replace(
      /<(\/?)([a-z-]+)((?: [a-z]+="(?:[^"<&]|&(?:amp|lt|gt|quot|#10);)*")*)(\/?)>/g,
      (_, closes: string, name: string, _attributes, isEmpty: string) => {
        if (closes) expect(open.pop()).toBe(name);
        else begun.push(name);
        if (!closes && !isEmpty) open.push(name);
        return '';
      },
    );
  expect(open).toEqual([]);
  expect(rest.replace(/&(?:amp|lt|gt|quot|#10);/g, '')).not.toMatch(/[<&]/);
  return begun;
}
