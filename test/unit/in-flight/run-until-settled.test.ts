import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { promiseOf, runUntilSettled } from '../../../src/in-flight/run-until-settled.js';
import { settle } from '../../support/fake-clock.js';
import { Gate } from '../../support/gate.js';
import { LazyQuery } from './lazy-query.js';

let ends: number;
const end = (): void => void ends++;

beforeEach(() => {
  ends = 0;
});

/** What a process of its own prints, since a test cannot have unhandled rejections. */
function printedBy(script: string): string {
  const { code } = transformFileSync('src/in-flight/run-until-settled.ts', {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  const listening = "process.on('unhandledRejection', ({ message }) => console.log('unhandled: ' + message));";
  const args = ['--input-type=module', '--eval', `${code}\n${listening}\n${script}`];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

describe('runUntilSettled', () => {
  it('ends when the promise has resolved, and hands its value on', async () => {
    const gate = new Gate();
    const run = runUntilSettled(() => gate.pass().then(() => 'done'), end);
    await settle();
    expect(ends).toBe(0);
    gate.release();
    await expect(run).resolves.toBe('done');
    expect(ends).toBe(1);
  });

  it('ends at once with what is no promise, and with an error', () => {
    expect(runUntilSettled(() => 'at once', end)).toBe('at once');
    const throwing = (): never => {
      throw new Error('broken');
    };
    expect(() => runUntilSettled(throwing, end)).toThrow('broken');
    expect(ends).toBe(2);
  });

  it('leaves a rejection unhandled that nobody handles', () => {
    const run = "runUntilSettled(() => Promise.reject(new Error('broken')), () => console.log('ended'))";
    expect(printedBy(`${run};`)).toBe('ended\nunhandled: broken\n');
  });

  it('adds no unhandled rejection to one that is handled', () => {
    const run = "runUntilSettled(() => Promise.reject(new Error('broken')), () => console.log('ended'))";
    expect(printedBy(`${run}.catch(({ message }) => console.log('handled: ' + message));`)).toBe(
      'ended\nhandled: broken\n',
    );
  });

  it('does not wait for what acts when it is waited for, and hands it on as it is', async () => {
    const query = new LazyQuery();
    expect(runUntilSettled(() => query, end)).toBe(query);
    expect({ ends, sent: query.sent }).toEqual({ ends: 1, sent: 0 });
    await query;
    expect(query.sent).toBe(1);
  });

  it('does the same with a promise whose then is its own', () => {
    class LazyPromise extends Promise<void> {
      asked = 0;
    }
    LazyPromise.prototype.then = function (this: LazyPromise, ...args: [never?, never?]) {
      this.asked++;
      return Promise.prototype.then.apply(this, args) as never;
    };
    const lazy = new LazyPromise(() => undefined);
    expect(runUntilSettled(() => lazy, end)).toBe(lazy);
    expect({ ends, asked: lazy.asked }).toEqual({ ends: 1, asked: 0 });
  });
});

describe('promiseOf', () => {
  it('asks what can be waited for once, however often its promise is', async () => {
    const query = new LazyQuery();
    const promise = promiseOf(query);
    await expect(Promise.all([promise, promise])).resolves.toEqual(['1 row', '1 row']);
    expect(query.sent).toBe(1);
  });

  it.each([Promise.resolve(1), 'a value', undefined, null])('hands %p on as it is', (value) => {
    expect(promiseOf(value)).toBe(value);
  });
});
