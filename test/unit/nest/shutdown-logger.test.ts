import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { PassThrough } from 'node:stream';
import { ShutdownLogger } from '../../../src/nest/shutdown-logger.js';
import { type ShutdownEvent } from '../../../src/sequence/events.js';
import { type ShutdownReport } from '../../../src/sequence/report.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  for (const level of ['debug', 'log', 'warn', 'error'] as const) {
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((message: unknown) => void lines.push(`${level} ${String(message)}`));
  }
});
afterEach(() => {
  jest.restoreAllMocks();
});

const report = (over: Partial<ShutdownReport>) => ({ totalMs: 12, clean: true, advice: [], ...over }) as ShutdownReport;
const about = { type: 'phase', reason: 'signal SIGTERM', elapsedMs: 5_000, inFlight: 3 } as const;
const hook = { name: 'Cache.flush', phase: 'releasing', ms: 12 } as const;

describe('ShutdownLogger', () => {
  it.each([
    [{ ...about, phase: 'lame-duck', previous: 'running' }, ['log lame-duck (signal SIGTERM), 3 in flight']],
    [{ ...about, phase: 'draining', previous: 'lame-duck' }, ['log draining after 5000 ms, 3 in flight']],
    [{ ...about, phase: 'closed', previous: 'releasing' }, []],
    [{ type: 'hook', hook: { ...hook, outcome: 'fulfilled' } }, []],
    [
      { type: 'hook', hook: { ...hook, outcome: 'rejected', error: 'no disk' } },
      ['error Hook Cache.flush rejected after 12 ms: no disk'],
    ],
    [{ type: 'deadline', inFlight: 2 }, ['warn Drain deadline passed, 2 in flight']],
    [
      { type: 'forced', by: 'a second signal, SIGINT', inFlight: 1 },
      ['warn Forced by a second signal, SIGINT, 1 in flight'],
    ],
    [{ type: 'problem', message: 'queue failed' }, ['error queue failed']],
    [{ type: 'report', report: report({}) }, ['log closed after 12 ms: {"totalMs":12,"clean":true,"advice":[]}']],
    [
      { type: 'report', report: report({ clean: false, advice: ['Raise it.'] }) },
      ['warn closed after 12 ms: {"totalMs":12,"clean":false,"advice":["Raise it."]}', 'warn Raise it.'],
    ],
  ] as [ShutdownEvent, string[]][])('writes, of %p, %p', (event, written) => {
    new ShutdownLogger(() => true).log(event);
    expect(lines).toEqual(written);
  });

  it.each([
    [{ ...about, phase: 'draining', previous: 'lame-duck' }, ['debug draining after 5000 ms, 3 in flight']],
    [{ type: 'report', report: report({}) }, ['debug closed after 12 ms: {"totalMs":12,"clean":true,"advice":[]}']],
    [{ type: 'deadline', inFlight: 2 }, ['warn Drain deadline passed, 2 in flight']],
    [
      { type: 'report', report: report({ clean: false }) },
      ['warn closed after 12 ms: {"totalMs":12,"clean":false,"advice":[]}'],
    ],
  ] as [ShutdownEvent, string[]][])('writes, of %p without a signal, %p', (event, written) => {
    new ShutdownLogger(() => false).log(event);
    expect(lines).toEqual(written);
  });
});

describe('ShutdownLogger, when the application has closed its logger', () => {
  const stream = new PassThrough();
  let atOnce: string[];
  beforeEach(() => {
    jest.restoreAllMocks();
    atOnce = [];
  });
  afterEach(() => {
    Logger.overrideLogger(new ConsoleLogger());
  });

  const given = (over: Partial<LoggerService>, more: object = {}) => {
    const write = (line: unknown) => void lines.push(String(line));
    Logger.overrideLogger({ log: write, debug: write, warn: write, error: write, ...over, ...more });
  };
  const logReport = (isBySignal: boolean, over: Partial<ShutdownReport> = {}) =>
    new ShutdownLogger(
      () => isBySignal,
      (text) => atOnce.push(text),
    ).log({ type: 'report', report: report(over) });

  it('writes the report to stderr at once, with its advice', () => {
    stream.end();
    given({}, { stream });
    logReport(true, { clean: false, advice: ['Raise it.'] });
    expect(atOnce).toEqual([
      '[GracefulShutdown] closed after 12 ms: {"totalMs":12,"clean":false,"advice":["Raise it."]}\nRaise it.\n',
    ]);
    expect(lines).toEqual([]);
  });

  it('writes it there when the logger throws', () => {
    given({
      log: () => {
        throw new Error('write after end');
      },
    });
    logReport(true);
    expect(atOnce).toHaveLength(1);
  });

  it('writes nothing where nobody has signalled, and all is clean', () => {
    given({}, { stream });
    logReport(false);
    expect({ atOnce, lines }).toEqual({ atOnce: [], lines: [] });
  });

  it('leaves it to a logger that is open', () => {
    given({}, { stream: new PassThrough(), other: null });
    logReport(true);
    expect(atOnce).toEqual([]);
    expect(lines).toEqual([expect.stringContaining('closed after 12 ms')]);
  });
});
