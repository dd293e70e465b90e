import { constants } from 'node:os';
import { inspect } from 'node:util';
import { timerMaxMs } from '../sequence/budget.js';
import { DrainError } from '../sequence/errors.js';
import { type LameDuckOptions } from '../sequence/lame-duck.js';
import { defaults, type GracefulShutdownOptions, type ResolvedOptions } from './options.js';

const closeListenerWarning =
  "lateRequests: 'close-listener' is the former way to write it. Write lateRequests: { " +
  "listener: 'closed' } instead, which can be combined with statusCode, retryAfterSeconds and " +
  'cors.';

const uncatchable = ['SIGKILL', 'SIGSTOP'];

const known = {
  options: [
    'drainTimeoutMs',
    'gracePeriodMs',
    'lameDuck',
    'hookTimeoutMs',
    'httpTracking',
    'lateRequests',
    'readiness',
    'allowDuringShutdown',
    'webSockets',
    'eventStreams',
    'allowRehearsal',
    'breadcrumb',
    'development',
    'secondSignal',
  ],
  lameDuck: ['minMs', 'quietMs', 'maxMs'],
  lateRequests: ['statusCode', 'retryAfterSeconds', 'listener', 'cors'],
  webSockets: ['handshakes', 'closeCode', 'closeReason', 'spreadMs', 'closeTimeoutMs'],
  eventStreams: ['retryMs'],
};

/**
 * Checks what the user gave and fills in the defaults. Leaves the user's object as it is.
 *
 * @param given the drain timeout in ms, or options
 * @throws DrainError `DRAIN_INVALID_OPTION`: what was expected, what came, what to do
 */
export function resolveOptions(given: number | GracefulShutdownOptions = {}): ResolvedOptions {
  const options = typeof given === 'object' && given !== null ? given : { drainTimeoutMs: given };
  checkNames('', options, known.options);
  return {
    drainTimeoutMs: duration('drainTimeoutMs', options.drainTimeoutMs ?? defaults.drainTimeoutMs, 0),
    gracePeriodMs: gracePeriod(options.gracePeriodMs ?? defaults.gracePeriodMs),
    lameDuck: lameDuck(options.lameDuck ?? defaults.lameDuck),
    hookTimeoutMs: duration('hookTimeoutMs', options.hookTimeoutMs ?? defaults.hookTimeoutMs, 1),
    httpTracking: oneOf('httpTracking', options.httpTracking ?? defaults.httpTracking, ['routes', 'interceptor']),
    lateRequests: lateRequests(options.lateRequests ?? defaults.lateRequests),
    readiness: oneOf('readiness', options.readiness ?? defaults.readiness, ['immediate', 'after-lame-duck']),
    allowDuringShutdown: allowedPaths(options.allowDuringShutdown ?? defaults.allowDuringShutdown),
    webSockets: webSockets(options.webSockets ?? {}),
    eventStreams: eventStreams(options.eventStreams ?? {}),
    allowRehearsal: flag('allowRehearsal', options.allowRehearsal ?? defaults.allowRehearsal),
    breadcrumb: breadcrumb(options.breadcrumb ?? defaults.breadcrumb),
    development: development(options.development ?? defaults.development),
    secondSignal: secondSignal(options.secondSignal),
    warnings: options.lateRequests === 'close-listener' ? [closeListenerWarning] : [],
  };
}

/** The lame duck's window, whichever way it was asked for. */
export function windowOf({ lameDuck }: ResolvedOptions): Required<LameDuckOptions> {
  return typeof lameDuck === 'object' ? lameDuck : defaults.lameDuckWindow;
}

function gracePeriod(given: NonNullable<GracefulShutdownOptions['gracePeriodMs']>): ResolvedOptions['gracePeriodMs'] {
  return given === 'auto' ? given : duration('gracePeriodMs', given, 1_001);
}

function lameDuck(given: NonNullable<GracefulShutdownOptions['lameDuck']>): ResolvedOptions['lameDuck'] {
  if (given === 'auto' || given === false) return given;
  if (typeof given !== 'object') fail('lameDuck', "'auto', false or { minMs, quietMs, maxMs }", given, 'Choose one');
  checkNames('lameDuck.', given, known.lameDuck);
  const { minMs, quietMs, maxMs } = given;
  const window = { ...defaults.lameDuckWindow };
  if (minMs !== undefined) window.minMs = duration('lameDuck.minMs', minMs, 0) as typeof window.minMs;
  if (quietMs !== undefined) window.quietMs = duration('lameDuck.quietMs', quietMs, 0) as typeof window.quietMs;
  if (maxMs !== undefined) window.maxMs = duration('lameDuck.maxMs', maxMs, 0) as typeof window.maxMs;
  if (window.minMs > window.maxMs) {
    if (minMs === undefined) return { ...window, minMs: window.maxMs };
    fail('lameDuck.minMs', `no more than lameDuck.maxMs (${window.maxMs})`, window.minMs, 'Lower minMs or raise maxMs');
  }
  return window;
}

function lateRequests(given: NonNullable<GracefulShutdownOptions['lateRequests']>): ResolvedOptions['lateRequests'] {
  if (given === 'close-listener') return { ...defaults.lateRequests, listener: 'closed' };
  if (typeof given !== 'object' || given === null) {
    fail('lateRequests', '{ statusCode, retryAfterSeconds, listener, cors }', given, 'Give an object');
  }
  checkNames('lateRequests.', given, known.lateRequests);
  const { statusCode, retryAfterSeconds, listener, cors } = { ...defaults.lateRequests, ...defined(given) };
  if (!isWhole(statusCode, 400, 599)) {
    fail(
      'lateRequests.statusCode',
      'a status between 400 and 599',
      statusCode,
      'A refusal is an error; 503 tells clients to retry elsewhere',
    );
  }
  if (!isWhole(retryAfterSeconds, 0, timerMaxMs)) {
    fail('lateRequests.retryAfterSeconds', 'whole seconds, 0 or more', retryAfterSeconds, 'Give a number of seconds');
  }
  if (typeof cors !== 'boolean' && typeof cors !== 'function') {
    fail('lateRequests.cors', 'true, false or a function of the origin', cors, 'true lets every origin read refusals');
  }
  oneOf('lateRequests.listener', listener, ['open', 'closed']);
  return { statusCode, retryAfterSeconds, listener, cors };
}

/** A method in capitals, if any, and a path whose segments are fixed, or parameters; the last may be a wildcard. */
const allowedPath = /^([A-Z]+ )?\/[^\s?#*{}()+]*(\*\w*)?$/;

function allowedPaths(given: unknown): ResolvedOptions['allowDuringShutdown'] {
  const expected = "a list of paths, such as ['/metrics', 'GET /status']";
  if (!Array.isArray(given)) return fail('allowDuringShutdown', expected, given, 'Give a list');
  for (const each of given) {
    if (typeof each === 'string' && allowedPath.test(each)) continue;
    fail('allowDuringShutdown', expected, each, 'Begin each with a slash, or with a method in capitals and a space');
  }
  return [...(given as string[])];
}

function webSockets(given: NonNullable<GracefulShutdownOptions['webSockets']>): ResolvedOptions['webSockets'] {
  if (typeof given !== 'object' || given === null) {
    fail('webSockets', '{ handshakes, closeCode, closeReason, spreadMs, closeTimeoutMs }', given, 'Give an object');
  }
  checkNames('webSockets.', given, known.webSockets);
  const { handshakes, closeCode, closeReason, closeTimeoutMs } = { ...defaults.webSockets, ...defined(given) };
  const { spreadMs } = given;
  if (closeCode !== 1001 && closeCode !== 1012 && !isWhole(closeCode, 3_000, 4_999)) {
    fail(
      'webSockets.closeCode',
      '1001, 1012 or a code between 3000 and 4999',
      closeCode,
      '1001 says that the server is going away',
    );
  }
  if (typeof closeReason !== 'string' || Buffer.byteLength(closeReason) > 123) {
    fail(
      'webSockets.closeReason',
      'a text of at most 123 bytes',
      closeReason,
      'A close frame holds no more: shorten it',
    );
  }
  return {
    handshakes: oneOf('webSockets.handshakes', handshakes, ['accept', 'refuse']),
    closeCode,
    closeReason,
    spreadMs: spreadMs === undefined ? undefined : duration('webSockets.spreadMs', spreadMs, 0),
    closeTimeoutMs: duration('webSockets.closeTimeoutMs', closeTimeoutMs, 1),
  };
}

function eventStreams(given: NonNullable<GracefulShutdownOptions['eventStreams']>): ResolvedOptions['eventStreams'] {
  if (typeof given !== 'object' || given === null) fail('eventStreams', '{ retryMs }', given, 'Give an object');
  checkNames('eventStreams.', given, known.eventStreams);
  return given.retryMs === undefined ? {} : { retryMs: duration('eventStreams.retryMs', given.retryMs, 0) };
}

/** Without what was given as undefined: it has its default. */
function defined<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function secondSignal(given: GracefulShutdownOptions['secondSignal']): ResolvedOptions['secondSignal'] {
  for (const [signal, action] of Object.entries(given ?? {})) {
    if (uncatchable.includes(signal)) {
      fail(
        `secondSignal.${signal}`,
        'a signal that can be caught',
        signal,
        'No process can listen for it: leave it out',
      );
    }
    if (!(signal in constants.signals)) {
      fail(`secondSignal.${signal}`, 'the name of a signal, such as SIGTERM', signal, 'Check its spelling');
    }
    oneOf(`secondSignal.${signal}`, action, ['force', 'ignore']);
  }
  return { ...defaults.secondSignal, ...given };
}

function checkNames(prefix: string, given: object, names: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) fail(prefix + name, `one of ${names.join(', ')}`, name, 'Check its spelling');
  }
}

/**
 * @returns `value`, once it has been found to be whole milliseconds, at least `min`
 * @throws DrainError `DRAIN_INVALID_OPTION`
 */
export function duration(name: string, value: unknown, min: number): number {
  if (isWhole(value, min, timerMaxMs)) return value;
  const todo =
    typeof value === 'string'
      ? 'Durations are numbers of milliseconds: write 10_000 for ten seconds'
      : value === Infinity || (typeof value === 'number' && value > timerMaxMs)
        ? 'Nothing may wait for ever: choose a bound that the platform grants'
        : 'Give a number of milliseconds';
  return fail(name, `whole milliseconds between ${min} and ${timerMaxMs}`, value, todo);
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function development(given: unknown): ResolvedOptions['development'] {
  if (given === 'auto' || typeof given === 'boolean') return given;
  return fail('development', "true, false or 'auto'", given, 'Choose one of them');
}

function breadcrumb(given: unknown): ResolvedOptions['breadcrumb'] {
  if (given === false || (typeof given === 'string' && given !== '' && !/[\\/]$/.test(given))) return given;
  return fail('breadcrumb', 'the path of a file, or false', given, "Write one such as '/var/lib/orders/breadcrumb'");
}

function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  return fail(name, 'true or false', value, 'Choose one of them');
}

function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  return fail(name, choices.map((choice) => `'${choice}'`).join(' or '), value, 'Choose one of them');
}

function fail(name: string, expected: string, got: unknown, todo: string): never {
  throw new DrainError(
    'DRAIN_INVALID_OPTION',
    `GracefulShutdownModule: expected ${name} to be ${expected}, ` +
      `got ${inspect(got, { breakLength: Infinity })}. ${todo}.`,
  );
}
