import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ask } from './support/app.js';

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
});

/** Runs what `npm run build` made, as the image does, and resolves once it listens. */
async function run(main: string): Promise<{ url: string; exited: Promise<unknown[]>; sigterm: () => void }> {
  const started = spawn(process.execPath, [fileURLToPath(new URL(`../${main}`, import.meta.url))], {
    env: { ...process.env, PORT: '0', DATABASE_URL: '', NO_COLOR: '1', KUBERNETES_SERVICE_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  const exited = once(started, 'exit');
  for await (const line of createInterface({ input: started.stdout })) {
    const url = /Listening on (http:\S+)/.exec(line)?.[1];
    if (!url) continue;
    started.stdout.resume();
    return { url, exited, sigterm: () => started.kill('SIGTERM') };
  }
  throw new Error(`${main} ended before it listened`);
}

/** Asks as the kubelet does, until the answer has that status. */
async function untilStatus(url: string, status: number): Promise<void> {
  while ((await fetch(url)).status !== status);
}

describe('dist/main.js under SIGTERM', () => {
  it('fails readiness first, serves on, finishes its work, and then exits by the signal', async () => {
    const { url, exited, sigterm } = await run('dist/main.js');
    const before = await fetch(`${url}/health/ready`);
    expect(before.status).toBe(200);
    expect(before.headers.get('keep-alive')).toBe('timeout=75');
    const report = ask(`${url}/orders/report`);

    sigterm();
    await untilStatus(`${url}/health/ready`, 503);
    const served = await fetch(`${url}/orders/3`);
    const live = await fetch(`${url}/health/live`);

    expect(served.status).toBe(200);
    expect(served.headers.get('connection')).toBe('close');
    expect(live.status).toBe(200);
    expect(await report).toMatchObject({ status: 200 });
    expect(await exited).toEqual([null, 'SIGTERM']);
  });
});
