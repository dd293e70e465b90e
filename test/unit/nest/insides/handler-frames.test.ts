import { runInThisContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { isCalledByHandler } from '../../../../src/nest/insides/handler-frames.js';

/** A function of that file, which calls what it is given. */
function caller(file: string): <T>(call: () => T) => T {
  const filename = `/app/node_modules/@nestjs/${file}`;
  return runInThisContext('(function (call) { return call(); })', { filename }) as <T>(call: () => T) => T;
}

/** Calls through functions of the handler's own. */
const through = <T>(depth: number, call: () => T): T => (depth === 0 ? call() : through(depth - 1, call));

describe('isCalledByHandler', () => {
  it.each([
    'core/router/router-execution-context.js',
    'websockets/context/ws-context-creator.js',
    'microservices/context/rpc-context-creator.js',
  ])('knows a handler that %s calls, behind functions of its own', (file) => {
    const call = caller(file);
    expect(call(isCalledByHandler)).toBe(true);
    expect(call(() => through(20, isCalledByHandler))).toBe(true);
  });

  it('knows of no handler elsewhere', () => {
    expect(isCalledByHandler()).toBe(false);
    expect(caller('core/injector/injector.js')(isCalledByHandler)).toBe(false);
  });

  it('looks further than stacks reach by default, and leaves their length as it was', () => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 7;
    try {
      const call = caller('core/router/router-execution-context.js');
      expect(call(() => through(20, isCalledByHandler))).toBe(true);
      expect(Error.stackTraceLimit).toBe(7);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
});
