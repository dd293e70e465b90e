import { describe, expect, it } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isReady, Replica } from '../../../src/drill/index.js';

const stubApp = join(process.cwd(), 'packages/tools/test/integration/drill/stub-app.mjs');
const start = (manner: string) =>
  Replica.start({ name: 'one', args: [stubApp, manner], env: { REPLICA: 'one' }, readinessPath: '/health/ready' });

describe('Replica', () => {
  it('is ready when it has started, on a port of its own', async () => {
    const [one, two] = await Promise.all([start('gracefully'), start('gracefully')]);
    expect(one.port).not.toBe(two.port);
    expect(await isReady(one, '/health/ready', 1_000)).toBe(true);
    expect(one.output).toContain('listening');
    await Promise.all([one.stop('SIGKILL'), two.stop('SIGKILL')]);
  });

  it('stops with its own exit code, and says how long that took', async () => {
    const replica = await start('gracefully');
    const exit = await replica.stop();
    expect(exit).toMatchObject({ exitCode: 0, signal: null, killed: false });
    expect(exit.ms).toBeGreaterThan(1_590);
    expect(replica.stop()).toBe(replica.stop());
  });

  it('is killed when it outlives its grace', async () => {
    const replica = await start('never');
    const exit = await replica.stop('SIGTERM', 200);
    expect(exit).toMatchObject({ exitCode: null, signal: 'SIGKILL', killed: true });
    expect(exit.ms).toBeGreaterThan(195);
  });

  it('has nothing to stop when it has already ended', async () => {
    const replica = await start('at-once');
    process.kill(replica.pid!, 'SIGKILL');
    await replica.exited;
    expect(await replica.stop()).toEqual({ exitCode: null, signal: 'SIGKILL', ms: 0, killed: false });
  });

  it('rejects with what it wrote when it does not start', async () => {
    await expect(start('broken')).rejects.toThrow(/one did not start.*no database/s);
    const missing = Replica.start({ name: 'one', node: '/no/such/node', args: [], readinessPath: '/' });
    await expect(missing).rejects.toThrow(/ENOENT/);
  });

  it('rejects when it is not ready in time, and is not left running', async () => {
    const late = Replica.start({
      name: 'late',
      args: [stubApp, 'unready'],
      readinessPath: '/health/ready',
      startTimeoutMs: 500,
    });
    await expect(late).rejects.toMatchObject({ cause: new Error('Readiness of late did not happen within 500 ms.') });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'exit'] as const)(
    'does not outlive its parent: %s',
    async (end) => {
      const { code } = transformFileSync('packages/tools/src/drill/children.ts');
      const parent = spawn(process.execPath, ['--input-type=module', '-e', code + parentOf(end)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(parent.stdout, 'data');
      if (end !== 'exit') parent.kill(end);
      // The child has the same stdout, so 'close' comes only when both have ended.
      expect(await once(parent, 'close')).toEqual(end === 'exit' ? [7, null] : [null, end]);
    },
  );
});

/** The rest of a script that has a child which never ends, and says so when it runs. */
function parentOf(end: string): string {
  return `
    import { spawn as start } from 'node:child_process';
    import { once } from 'node:events';
    const child = start(process.execPath, ['-e', 'setInterval(() => {}, 1e6); console.log(0)'], { stdio: ['ignore', 'pipe', 'inherit', 1] });
    endWithThisProcess(child);
    await once(child.stdout, 'data');
    console.log('running');
    if ('${end}' === 'exit') process.exit(7);
    setInterval(() => undefined, 1e6);`;
}
