import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { defaults, type GracefulShutdownOptions } from '../../../src/options/options.js';
import { resolveOptions, windowOf } from '../../../src/options/resolve-options.js';

/** Jest runs in the root of the package. */
const read = (path: string) => readFileSync(path, 'utf8');

/** The `@default` of each member, as its doc comment says it. */
function documentedDefaults(source: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [, comment, name] of source.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*readonly (\w+)\?:/g)) {
    const value = /@default ([^\n*]+)/.exec(comment!)?.[1]?.trim();
    if (value === 'undefined') continue;
    if (value === undefined) throw new Error(`Expected ${name} to document its @default, got none.`);
    found[name!] = JSON.parse(value.replaceAll("'", '"').replace(/(\w+):/g, '"$1":'));
  }
  return found;
}

const invalid = (given: unknown) => () => resolveOptions(given as GracefulShutdownOptions);
const refusal = (message: string) =>
  expect.objectContaining({ code: 'DRAIN_INVALID_OPTION', message: `GracefulShutdownModule: expected ${message}` });

describe('resolveOptions', () => {
  it('fills in every default', () => {
    expect(resolveOptions()).toEqual({
      drainTimeoutMs: 10_000,
      gracePeriodMs: 'auto',
      lameDuck: 'auto',
      hookTimeoutMs: 5_000,
      httpTracking: 'routes',
      lateRequests: { statusCode: 503, retryAfterSeconds: 1, listener: 'open', cors: false },
      readiness: 'immediate',
      allowDuringShutdown: [],
      webSockets: {
        handshakes: 'accept',
        closeCode: 1001,
        closeReason: 'The server is shutting down',
        closeTimeoutMs: 2_000,
      },
      eventStreams: {},
      allowRehearsal: false,
      breadcrumb: false,
      development: 'auto',
      secondSignal: { SIGINT: 'force', SIGTERM: 'ignore' },
      warnings: [],
    });
  });

  it('has the default that the doc comment of each option says', () => {
    const documented = documentedDefaults(read('src/options/options.ts'));
    expect(Object.keys(documented)).toHaveLength(14);
    expect(resolveOptions()).toMatchObject(documented);
  });

  it('has the WebSocket defaults that the doc comments say', () => {
    const documented = documentedDefaults(read('src/drainables/websockets/web-socket-options.ts'));
    expect(resolveOptions({ webSockets: {} }).webSockets).toEqual(documented);
  });

  it('has the lame duck window that the doc comments say', () => {
    expect(resolveOptions({ lameDuck: {} }).lameDuck).toEqual(documentedDefaults(read('src/sequence/lame-duck.ts')));
    expect(windowOf(resolveOptions())).toEqual(defaults.lameDuckWindow);
  });

  it('has the answer to late requests that the doc comments say', () => {
    const documented = documentedDefaults(read('src/refusal/late-request-options.ts'));
    expect(resolveOptions({ lateRequests: {} }).lateRequests).toEqual(documented);
  });

  it('takes a number as the drain timeout', () => {
    expect(resolveOptions(2_500)).toEqual({ ...resolveOptions(), drainTimeoutMs: 2_500 });
    expect(resolveOptions(0).drainTimeoutMs).toBe(0);
  });

  it('takes undefined, as a whole and of each option, as the default', () => {
    expect(resolveOptions(undefined)).toEqual(resolveOptions({}));
    expect(
      resolveOptions({ drainTimeoutMs: undefined, lameDuck: { minMs: undefined }, secondSignal: undefined }),
    ).toEqual(resolveOptions({ lameDuck: {} }));
  });

  it('keeps what is given', () => {
    const given: GracefulShutdownOptions = {
      drainTimeoutMs: 1,
      gracePeriodMs: 1_001,
      lameDuck: { minMs: 1, quietMs: 2, maxMs: 3 },
      hookTimeoutMs: 1,
      httpTracking: 'interceptor',
      lateRequests: { statusCode: 429, retryAfterSeconds: 0, listener: 'closed', cors: true },
      readiness: 'after-lame-duck',
      allowDuringShutdown: ['/', '/metrics', 'GET /status', '/shards/:name/status', '/probe/*', '/probe/*rest'],
      webSockets: { handshakes: 'refuse', closeCode: 1012, closeReason: '', spreadMs: 0, closeTimeoutMs: 1 },
      eventStreams: { retryMs: 0 },
      allowRehearsal: true,
      breadcrumb: './crumb',
      development: false,
      secondSignal: { SIGINT: 'ignore', SIGTERM: 'force', SIGUSR2: 'force' },
    };
    expect(resolveOptions(given)).toEqual({ ...given, warnings: [] });
  });

  it("leaves the caller's object as it is, and keeps none of its parts", () => {
    const given = {
      lameDuck: { maxMs: 2_000 },
      lateRequests: { statusCode: 502 },
      secondSignal: { SIGINT: 'ignore' as 'ignore' | 'force' },
      allowDuringShutdown: ['/metrics'],
    };
    const before = structuredClone(given);
    Object.values(given).forEach(Object.freeze);
    const resolved = resolveOptions(Object.freeze(given));
    expect(given).toEqual(before);
    for (const name of ['lameDuck', 'lateRequests', 'secondSignal', 'allowDuringShutdown'] as const)
      expect(resolved[name]).not.toBe(given[name]);
  });

  it('keeps the default of each second signal that is not given', () => {
    expect(resolveOptions({ secondSignal: { SIGTERM: 'force' } }).secondSignal).toEqual({
      SIGINT: 'force',
      SIGTERM: 'force',
    });
  });

  it('lets a lame duck be off', () => {
    expect(resolveOptions({ lameDuck: false }).lameDuck).toBe(false);
  });

  it('lowers the default minimum of a lame duck to a maximum that is given', () => {
    expect(resolveOptions({ lameDuck: { maxMs: 3_000 } }).lameDuck).toEqual({
      minMs: 3_000,
      quietMs: 1_000,
      maxMs: 3_000,
    });
  });

  it('lets the listener be closed first', () => {
    expect(resolveOptions({ lateRequests: { listener: 'closed' } }).lateRequests.listener).toBe('closed');
    const cors = () => true;
    expect(resolveOptions({ lateRequests: { cors } }).lateRequests.cors).toBe(cors);
  });

  it("takes the former 'close-listener' for a closed listener, and warns", () => {
    const { lateRequests, warnings } = resolveOptions({ lateRequests: 'close-listener' });
    expect(lateRequests).toEqual({ statusCode: 503, retryAfterSeconds: 1, listener: 'closed', cors: false });
    expect(warnings).toEqual([expect.stringContaining("{ listener: 'closed' }")]);
    expect(resolveOptions({ lateRequests: { listener: 'closed' } }).warnings).toEqual([]);
  });
});

describe('resolveOptions with a duration that makes no sense', () => {
  const durations = [
    ['drainTimeoutMs', 0, (value: unknown) => ({ drainTimeoutMs: value })],
    ['gracePeriodMs', 1_001, (value: unknown) => ({ gracePeriodMs: value })],
    ['hookTimeoutMs', 1, (value: unknown) => ({ hookTimeoutMs: value })],
    ['lameDuck.minMs', 0, (value: unknown) => ({ lameDuck: { minMs: value } })],
    ['lameDuck.quietMs', 0, (value: unknown) => ({ lameDuck: { quietMs: value } })],
    ['lameDuck.maxMs', 0, (value: unknown) => ({ lameDuck: { maxMs: value } })],
  ] as const;
  const bounded = 'Nothing may wait for ever: choose a bound that the platform grants.';
  const values = [
    [-1, '-1', 'Give a number of milliseconds.'],
    [0.5, '0.5', 'Give a number of milliseconds.'],
    [NaN, 'NaN', 'Give a number of milliseconds.'],
    [Infinity, 'Infinity', bounded],
    [2 ** 31, '2147483648', bounded],
    ['10s', "'10s'", 'Durations are numbers of milliseconds: write 10_000 for ten seconds.'],
    ['10000', "'10000'", 'Durations are numbers of milliseconds: write 10_000 for ten seconds.'],
    [true, 'true', 'Give a number of milliseconds.'],
    [10n, '10n', 'Give a number of milliseconds.'],
    [{ ms: 10 }, '{ ms: 10 }', 'Give a number of milliseconds.'],
  ] as const;

  it.each(durations.flatMap(([name, min, given]) => values.map((value) => [name, min, given, ...value] as const)))(
    'says of %s what was expected (%d or more), what came, and what to do: %4$s',
    (name, min, given, value, shown, todo) => {
      expect(invalid(given(value))).toThrow(
        refusal(`${name} to be whole milliseconds between ${min} and 2147483647, got ${shown}. ${todo}`),
      );
    },
  );

  it.each(durations)('accepts the least and the most of %s', (_, min, given) => {
    const zeroWindow = given(min) as GracefulShutdownOptions;
    expect(() => resolveOptions(zeroWindow)).not.toThrow();
    const most = { ...given(2 ** 31 - 1) } as GracefulShutdownOptions;
    const withRoom = typeof most.lameDuck === 'object' ? { lameDuck: { ...most.lameDuck, maxMs: 2 ** 31 - 1 } } : most;
    expect(() => resolveOptions(withRoom)).not.toThrow();
  });

  it.each([
    ['gracePeriodMs', 1_000, 1_001],
    ['hookTimeoutMs', 0, 1],
  ])('refuses %s of %d', (name, value, min) => {
    expect(invalid({ [name]: value })).toThrow(
      refusal(
        `${name} to be whole milliseconds between ${min} and 2147483647, got ${value}. Give a number of milliseconds.`,
      ),
    );
  });

  it('says the same of a drain timeout that is given alone', () => {
    expect(invalid('10s')).toThrow(
      refusal(
        "drainTimeoutMs to be whole milliseconds between 0 and 2147483647, got '10s'. " +
          'Durations are numbers of milliseconds: write 10_000 for ten seconds.',
      ),
    );
  });

  it.each([
    [{ minMs: 5_000, maxMs: 4_000 }, 5_000, 4_000],
    [{ minMs: 20_000 }, 20_000, 10_000],
  ])('refuses a lame duck whose minimum exceeds its maximum: %p', (lameDuck, minMs, maxMs) => {
    expect(invalid({ lameDuck })).toThrow(
      refusal(`lameDuck.minMs to be no more than lameDuck.maxMs (${maxMs}), got ${minMs}. Lower minMs or raise maxMs.`),
    );
  });
});

describe('resolveOptions with a choice that does not exist', () => {
  const names =
    'drainTimeoutMs, gracePeriodMs, lameDuck, hookTimeoutMs, httpTracking, lateRequests, readiness, allowDuringShutdown, webSockets, eventStreams, allowRehearsal, breadcrumb, development, secondSignal';
  const signals = 'the name of a signal, such as SIGTERM';
  it.each([
    [{ drainTimeout: 1 }, `drainTimeout to be one of ${names}, got 'drainTimeout'. Check its spelling.`],
    [{ lameDuck: { minMS: 1 } }, "lameDuck.minMS to be one of minMs, quietMs, maxMs, got 'minMS'. Check its spelling."],
    [
      { lateRequests: { status: 503 } },
      "lateRequests.status to be one of statusCode, retryAfterSeconds, listener, cors, got 'status'. Check its spelling.",
    ],
    [{ lameDuck: true }, "lameDuck to be 'auto', false or { minMs, quietMs, maxMs }, got true. Choose one."],
    [{ lameDuck: 'on' }, "lameDuck to be 'auto', false or { minMs, quietMs, maxMs }, got 'on'. Choose one."],
    [{ lameDuck: 5_000 }, "lameDuck to be 'auto', false or { minMs, quietMs, maxMs }, got 5000. Choose one."],
    [
      { allowDuringShutdown: '/metrics' },
      "allowDuringShutdown to be a list of paths, such as ['/metrics', 'GET /status'], got '/metrics'. Give a list.",
    ],
    ...['metrics', 'get /metrics', 'GET', '/a b', '/a?b', '/a*/b', '/a{/b}', 'https://host/a', '', 7].map(
      (each) =>
        [
          { allowDuringShutdown: ['/metrics', each] },
          `allowDuringShutdown to be a list of paths, such as ['/metrics', 'GET /status'], got ${inspect(each)}. ` +
            'Begin each with a slash, or with a method in capitals and a space.',
        ] as const,
    ),
    [{ development: 'yes' }, "development to be true, false or 'auto', got 'yes'. Choose one of them."],
    [{ allowRehearsal: 'yes' }, "allowRehearsal to be true or false, got 'yes'. Choose one of them."],
    [{ httpTracking: 'both' }, "httpTracking to be 'routes' or 'interceptor', got 'both'. Choose one of them."],
    [{ readiness: 'later' }, "readiness to be 'immediate' or 'after-lame-duck', got 'later'. Choose one of them."],
    [
      { lateRequests: 'reset' },
      "lateRequests to be { statusCode, retryAfterSeconds, listener, cors }, got 'reset'. Give an object.",
    ],
    [
      { lateRequests: { listener: 'half-open' } },
      "lateRequests.listener to be 'open' or 'closed', got 'half-open'. Choose one of them.",
    ],
    [
      { lateRequests: { cors: 'https://a.example' } },
      "lateRequests.cors to be true, false or a function of the origin, got 'https://a.example'. true lets every origin read refusals.",
    ],
    [
      { lateRequests: { statusCode: 200 } },
      'lateRequests.statusCode to be a status between 400 and 599, got 200. A refusal is an error; 503 tells clients to retry elsewhere.',
    ],
    [
      { lateRequests: { statusCode: 600 } },
      'lateRequests.statusCode to be a status between 400 and 599, got 600. A refusal is an error; 503 tells clients to retry elsewhere.',
    ],
    [
      { lateRequests: { retryAfterSeconds: -1 } },
      'lateRequests.retryAfterSeconds to be whole seconds, 0 or more, got -1. Give a number of seconds.',
    ],
    [
      { lateRequests: { retryAfterSeconds: 0.5 } },
      'lateRequests.retryAfterSeconds to be whole seconds, 0 or more, got 0.5. Give a number of seconds.',
    ],
    [
      { secondSignal: { SIGKILL: 'force' } },
      "secondSignal.SIGKILL to be a signal that can be caught, got 'SIGKILL'. No process can listen for it: leave it out.",
    ],
    [
      { secondSignal: { SIGSTOP: 'force' } },
      "secondSignal.SIGSTOP to be a signal that can be caught, got 'SIGSTOP'. No process can listen for it: leave it out.",
    ],
    [{ secondSignal: { SIGFOO: 'force' } }, `secondSignal.SIGFOO to be ${signals}, got 'SIGFOO'. Check its spelling.`],
    [
      { secondSignal: { SIGINT: 'kill' } },
      "secondSignal.SIGINT to be 'force' or 'ignore', got 'kill'. Choose one of them.",
    ],
    [
      { secondSignal: { SIGINT: true } },
      "secondSignal.SIGINT to be 'force' or 'ignore', got true. Choose one of them.",
    ],
  ])('says of %p what was expected, what came, and what to do', (given, message) => {
    expect(invalid(given)).toThrow(refusal(message));
  });
});

describe('The option breadcrumb', () => {
  it('is the path of a file', () => {
    expect(resolveOptions({ breadcrumb: '/var/lib/orders/crumb' }).breadcrumb).toBe('/var/lib/orders/crumb');
  });

  it.each([
    [true, 'true'],
    ['', "''"],
    ['/var/lib/orders/', "'/var/lib/orders/'"],
  ])('raises for %p', (breadcrumb, got) => {
    expect(invalid({ breadcrumb })).toThrow(
      refusal(
        `breadcrumb to be the path of a file, or false, got ${got}. Write one such as '/var/lib/orders/breadcrumb'.`,
      ),
    );
  });
});
