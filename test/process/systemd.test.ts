import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build, Child, endAll } from './support/child.js';

let folder: string;
beforeAll(build);
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(endAll);

/** The environment of a unit of Type=notify, whose systemd-notify runs this script. */
function unit(script: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const path = join(folder, 'systemd-notify');
  writeFileSync(path, `#!/bin/sh\necho "$*" >> '${folder}/said'\n${script}\n`);
  chmodSync(path, 0o755);
  return { PATH: `${folder}:${process.env.PATH}`, NOTIFY_SOCKET: `${folder}/notify`, ...more };
}

function said(): string[] {
  try {
    return readFileSync(`${folder}/said`, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

async function hears(line: RegExp): Promise<void> {
  while (!said().some((each) => line.test(each))) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('An application that systemd waits to hear from', () => {
  it('says that it is ready, alive, stopping, and with how much in flight', async () => {
    const child = await Child.start('orders', { drain: 10_000, env: unit('', { WATCHDOG_USEC: '400000' }) });
    await hears(/^READY=1 STATUS=serving$/);
    await hears(/^WATCHDOG=1$/);
    const answer = request(child.url('/held'));
    await child.until('held');
    child.signal('SIGTERM');
    await hears(/STATUS=draining, [1-9]\d* in flight EXTEND_TIMEOUT_USEC=10000000/);
    expect(said().filter((line) => line.includes('STOPPING=1'))).toHaveLength(1);
    child.say('release');
    expect(await answer).toMatchObject({ status: 200 });
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
  });

  it('is the service: others that it opens and closes, or starts, tell nothing of their end', async () => {
    const child = await Child.start('auxiliaries', { drain: 10_000, env: unit('') });
    await hears(/^READY=1/);
    child.say('open others');
    await child.until('others closed');
    expect(said().filter((line) => !line.startsWith('READY=1'))).toEqual([]);
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
    await hears(/STOPPING=1/);
    await child.ended;
    expect(said().filter((line) => line.includes('STOPPING=1'))).toHaveLength(1);
    // The application beside the first is one of the same service.
    expect(said().filter((line) => line.startsWith('READY=1')).length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['a server that is attached', false],
    ['a microservice', true],
  ])("says that it is ready where %s listens, and Nest's own server never does", async (_what, microservice) => {
    const child = await Child.start('attached', { drain: 10_000, microservice, env: unit('') });
    await hears(/^READY=1/);
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
  });

  it('dies at once of the SIGABRT that systemd sends when its event loop hangs', async () => {
    // Nest's shutdown hooks are enabled for all signals, and an event loop that hangs calls none of them.
    const child = await Child.start('orders', { drain: 10_000, env: unit('', { WATCHDOG_USEC: '400000' }) });
    await hears(/^WATCHDOG=1$/);
    const cut = request(child.url('/looping')).catch(() => 'cut');
    await child.until('looping');
    child.signal('SIGABRT');
    expect(await child.ended).toMatchObject({ end: 'SIGABRT' });
    await cut;
  });

  it('does not wait for a systemd-notify that hangs', async () => {
    const child = await Child.start('orders', { drain: 10_000, env: unit('exec sleep 30') });
    await hears(/^READY=1/);
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
    const { end, ms } = await child.ended;
    expect(end).toBe('SIGTERM');
    expect(ms).toBeLessThan(20_000);
  });

  it('says so where there is no systemd-notify', async () => {
    const env = { PATH: folder, NOTIFY_SOCKET: `${folder}/notify` };
    const child = await Child.start('orders', { drain: 10_000, env });
    while (!child.output.includes('systemd-notify cannot be run')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.signal('SIGTERM');
    expect(await child.report()).toMatchObject({ clean: true });
  });
});
