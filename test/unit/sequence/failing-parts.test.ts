import { afterEach, describe, expect, it } from '@jest/globals';
import { type SequenceParts } from '../../../src/sequence/sequence-parts.js';
import { closing, SequenceUnderTest, sigterm } from './sequence-under-test.js';

let shutdown: SequenceUnderTest;

// A rejection that nobody handles fails a test by itself.
afterEach(() => {
  shutdown.clock.assertNoTimerLeft();
});

const broken = (): never => {
  throw new Error('broken');
};
/** The same object, of which one member throws. */
function breaking<T extends object>(real: T, member: keyof T): T {
  return new Proxy(real, {
    get(target, key) {
      if (key === member) return typeof Reflect.get(target, key) === 'function' ? broken : broken();
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type Part = keyof SequenceParts;
/** Every member of every part that the sequence asks, and the name by which the report calls the part. */
const members: readonly [part: Part, member: string, name: string][] = [
  ['hooks', 'longestMs', 'hooks'],
  ['hooks', 'run', 'hooks'],
  ['inFlight', 'size', 'in-flight work'],
  ['inFlight', 'finished', 'in-flight work'],
  ['inFlight', 'seal', 'in-flight work'],
  ['inFlight', 'idle', 'in-flight work'],
  ['inFlight', 'leftovers', 'in-flight work'],
  ['traffic', 'becomeUnready', 'traffic'],
  ['traffic', 'quietSince', 'traffic'],
  ['traffic', 'effectiveQuietMs', 'traffic'],
  ['traffic', 'afterUnready', 'traffic'],
  ['probes', 'failureSeen', 'probes'],
];

/** Runs a shutdown to its end, with work that is never finished by itself, and expects everything to settle. */
async function runToEnd(): Promise<Awaited<SequenceUnderTest['sequence']['closed']>> {
  shutdown.tracker.take('request', 'GET /stuck');
  const begun = shutdown.sequence.begin(sigterm);
  await shutdown.clock.advance(12_000);
  await expect(begun).resolves.toBeUndefined();
  await expect(shutdown.sequence.drained).resolves.toEqual(expect.any(String));
  const report = await shutdown.end();
  return report;
}

const lameDuck = { minMs: 500, quietMs: 100, maxMs: 1_000, awaitsProbe: true };

describe('A part of the shutdown that fails', () => {
  it.each(members)('%s.%s: is named, and everything settles', async (part, member, name) => {
    shutdown = new SequenceUnderTest({
      lameDuck,
      parts: (real) => ({ [part]: breaking(real[part] as object, member as never) }),
    });
    shutdown.drainable('server');
    const report = await runToEnd();
    expect(report.clean).toBe(false);
    expect(report.leftovers).toContainEqual(
      expect.objectContaining({ kind: 'shutdown', name, detail: 'failed: broken' }),
    );
    expect(shutdown.seen).toContainEqual({ type: 'problem', message: `The shutdown's ${name} failed: broken` });
    expect(shutdown.logOf('server')).toEqual(['server announce', 'server drain', 'server forceClose', 'server close']);
  });

  it('is named when it rejects, too', async () => {
    const fails = () => Promise.reject(new Error('broken'));
    shutdown = new SequenceUnderTest({
      parts: ({ hooks }) => ({ hooks: { ...hooks, longestMs: () => 0, run: fails } }),
    });
    const report = await runToEnd();
    expect(report.leftovers).toContainEqual(expect.objectContaining({ kind: 'shutdown', name: 'hooks' }));
  });

  it('is not named, and the shutdown is clean, when none fails', async () => {
    shutdown = new SequenceUnderTest({ lameDuck });
    shutdown.drainable('server');
    void shutdown.sequence.begin(sigterm);
    await shutdown.clock.advance(1_000);
    expect(await shutdown.end()).toMatchObject({ clean: true, leftovers: [] });
  });

  it('costs no work: without a sign that it is idle, the drain lasts until its deadline', async () => {
    shutdown = new SequenceUnderTest({ parts: ({ inFlight }) => ({ inFlight: breaking(inFlight, 'idle') }) });
    void shutdown.sequence.begin(closing);
    await shutdown.clock.advance(9_999);
    expect(shutdown.sequence.phase).toBe('draining');
    await shutdown.clock.advance(200);
    expect(await shutdown.end()).toMatchObject({ outcome: 'timed-out' });
  });

  it('costs no traffic: without a sign that it is quiet, the lame duck lasts as long as it may', async () => {
    shutdown = new SequenceUnderTest({
      lameDuck: { minMs: 500, quietMs: 100, maxMs: 1_000 },
      parts: ({ traffic }) => ({ traffic: breaking(traffic, 'quietSince') }),
    });
    void shutdown.sequence.begin(sigterm);
    await shutdown.clock.advance(999);
    expect(shutdown.sequence.phase).toBe('lame-duck');
    await shutdown.clock.advance(1);
    await shutdown.end();
  });

  it('takes no lame duck when it is the one that says how long it lasts', async () => {
    shutdown = new SequenceUnderTest({ lameDuck, parts: () => ({ lameDuckFor: broken }) });
    void shutdown.sequence.begin(sigterm);
    await shutdown.clock.advance(0);
    expect(await shutdown.end()).toMatchObject({
      outcome: 'drained',
      clean: false,
      totalMs: 0,
      leftovers: [{ kind: 'shutdown', name: 'lame duck', ageMs: 0, detail: 'failed: broken' }],
    });
  });

  it.each([1, 2, 3, 4, 5, 6, 7])(
    'may be the sequence itself (here in reading %p of the clock): its next phase begins, and all settles',
    async (nth) => {
      let readings = 0;
      let hasBegun = false;
      const failing = (real: SequenceParts): Partial<SequenceParts> => ({
        clock: new Proxy(real.clock, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target);
            if (key === 'now' && hasBegun && ++readings === nth) return broken;
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
      });
      shutdown = new SequenceUnderTest({ parts: failing });
      const begun = shutdown.sequence.begin(closing);
      hasBegun = true;
      await shutdown.clock.advance(0);
      await expect(begun).resolves.toBeUndefined();
      await expect(shutdown.sequence.drained).resolves.toEqual(expect.any(String));
      expect(await shutdown.end()).toMatchObject({ clean: false });
    },
  );
});

describe('A drainable that fails', () => {
  const steps = ['announce', 'drain', 'forceClose', 'close'] as const;
  const ways: readonly [way: string, fail: () => unknown][] = [
    ['throws', broken],
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws what is no error',
      () => {
        throw Object.create(null);
      },
    ],
  ];
  it.each(steps.flatMap((step) => ways.map(([way, fail]) => [step, way, fail] as const)))(
    'in %s and %s: is named, and everything settles',
    async (step, _way, fail) => {
      shutdown = new SequenceUnderTest({ lameDuck });
      shutdown.drainable('server', { [step]: fail });
      const report = await runToEnd();
      expect(report.clean).toBe(false);
      expect(report.leftovers).toContainEqual(
        expect.objectContaining({
          kind: 'drainable',
          name: 'server',
          detail: expect.stringMatching(/^failed to drain: (broken|an error without a message)$/),
        }),
      );
    },
  );
});
