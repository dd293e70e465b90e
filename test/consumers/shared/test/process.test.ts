import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { frameworks, get } from './applications.js';

/** Runs a script beside these tests, and returns what it prints. */
function run(script: string): string {
  return execFileSync(process.execPath, [`test/${script}`], { encoding: 'utf8' }).trim();
}

describe.each(frameworks)('A SIGTERM to the built application on %s', (framework) => {
  it('lets the request in flight end before the database closes, and ends the process', async () => {
    const child = spawn(process.execPath, ['dist/main.js', framework], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const said = (word: string): Promise<string> =>
      new Promise((resolve) => lines.on('line', (line) => line.startsWith(word) && resolve(line)));
    const entered = said('entered');
    const port = (await said('listening')).split(' ')[1];

    const inFlight = get(`http://127.0.0.1:${port}/orders`);
    await entered;
    child.kill('SIGTERM');
    expect(await inFlight).toMatchObject({ status: 200, body: { order: 'an order' } });
    expect(await exited).toEqual([null, 'SIGTERM']);
  });
});

describe('The package, loaded twice', () => {
  it('is one and the same by import and by require', () => {
    expect(run('identity.mjs')).toBe('the same');
  });

  it('is an error at bootstrap that says what to do, when it is two copies', () => {
    const { code, message } = JSON.parse(run('two-copies.mjs')) as { code: string; message: string };
    expect(code).toBe('DRAIN_DUPLICATE_PACKAGE');
    expect(message).toContain('mark it as external');
  });
});
