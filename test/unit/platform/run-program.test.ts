import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { runProgram } from '../../../src/platform/run-program.js';
import { FakeClock } from '../../support/fake-clock.js';

const run = (command: string, args: readonly string[], clock?: FakeClock) =>
  new Promise<{ output: string; error?: Error }>((resolve) =>
    runProgram(command, args, (output, error) => resolve({ output, error }), clock),
  );

/** What `spawn()` does. */
function spawnIs(spawn: () => unknown): void {
  jest.spyOn(process, 'getBuiltinModule').mockReturnValue({ spawn });
}

describe('runProgram', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('hands on what the program has written', async () => {
    expect(await run('sh', ['-c', 'echo "$0"; exit 3', '1min 30s'])).toEqual({ output: '1min 30s\n' });
  });

  it('kills a program that does not end', async () => {
    const clock = new FakeClock();
    const ended = run('sh', ['-c', 'exec sleep 60'], clock);
    await clock.advance(2_000);
    expect(await ended).toEqual({ output: '' });
    clock.assertNoTimerLeft();
  });

  it('holds the process open with nothing of it', () => {
    const unref = jest.fn();
    const stdout = Object.assign(new EventEmitter(), { unref, setEncoding: () => stdout });
    spawnIs(() => Object.assign(new EventEmitter(), { stdout, unref }));
    const clock = new FakeClock();
    void run('any', [], clock);
    expect(unref).toHaveBeenCalledTimes(2);
    expect({ armedAt: clock.armedAt, holdsProcess: clock.holdsProcess }).toEqual({
      armedAt: [2_000],
      holdsProcess: false,
    });
  });

  it('says why a program could not be run', async () => {
    const { output, error } = await run('/no/such/program', []);
    expect({ output, error }).toEqual({ output: '', error: expect.objectContaining({ code: 'ENOENT' }) });
    const refusal = new Error('spawn EPERM');
    spawnIs(() => {
      throw refusal;
    });
    expect(await run('any', [])).toEqual({ output: '', error: refusal });
  });

  it('says so, too, where no descriptor is left for what it would write', async () => {
    const child = Object.assign(new EventEmitter(), { stdout: undefined, unref: () => undefined });
    spawnIs(() => child);
    const clock = new FakeClock();
    const ended = run('any', [], clock);
    const error = new Error('spawn EMFILE');
    child.emit('error', error);
    child.emit('close', -24, null);
    expect(await ended).toEqual({ output: '', error });
    clock.assertNoTimerLeft();
  });
});
