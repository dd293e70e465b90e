import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** It drains for longer than another process takes to start. */
const drain = { drainTimeoutMs: 40_000, gracePeriodMs: 60_000 };
const started = () => Child.start('metrics', { drain: { ...drain, breadcrumb: join(folder, 'crumb') } });

/** A process with a request in flight, in the middle of its drain. */
async function draining(): Promise<Child> {
  const child = await started();
  request(child.url('/held?token=secret'), { headers: { cookie: 'secret' } }).catch(() => undefined);
  await child.until('held');
  child.signal('SIGTERM');
  await child.entered('draining');
  return child;
}

const told = /The previous run was killed \d\.\d s into draining with 1 in flight: request GET \/held \(\d+\.\d s\)/;

describe('A process that is killed in the middle of its drain', () => {
  it('is told of at the next start: in the log, as an event, in the metrics; and not again', async () => {
    await (await draining()).kill();
    const [file] = readdirSync(folder);
    expect(readFileSync(join(folder, file!), 'utf8')).not.toContain('secret');

    const next = await started();
    expect(next.output).toMatch(told);
    const event = { phase: 'draining', inFlight: 1, reason: 'signal SIGTERM' };
    expect(await next.until('previous-run')).toMatchObject({ previous: event });
    const { text } = await request(next.url('/metrics'));
    expect(text).toContain('nestjs_drain_previous_run_interrupted{phase="draining"} 1');
    expect(text).toContain('nestjs_drain_previous_run_in_flight 1');
    await next.kill();

    expect((await started()).output).not.toContain('previous run');
  });

  it('is not told of while another process with the same path still drains', async () => {
    const child = await draining();
    const other = await started();
    expect(other.output).not.toContain('previous run');
    child.say('release');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect((await started()).output).not.toContain('previous run');
  });
});

describe('A process without the option', () => {
  it('leaves nothing to tell when it is killed', async () => {
    const child = await Child.start('metrics', { drain: 10_000 });
    request(child.url('/held')).catch(() => undefined);
    await child.until('held');
    child.signal('SIGTERM');
    await child.entered('draining');
    await child.kill();
    expect(readdirSync(folder)).toEqual([]);
    expect((await started()).output).not.toContain('previous run');
  });
});

describe('A process that ends as it should', () => {
  it('leaves nothing to tell', async () => {
    const child = await draining();
    expect(readdirSync(folder)).toHaveLength(1);
    child.say('release');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(readdirSync(folder)).toEqual([]);
    expect((await started()).output).not.toContain('previous run');
  });
});

describe('A path that cannot be written', () => {
  it('is one clear error at bootstrap', async () => {
    writeFileSync(join(folder, 'file'), '');
    const drain = { breadcrumb: join(folder, 'file', 'crumb') };
    await expect(Child.start('metrics', { drain })).rejects.toThrow(
      /expected breadcrumb to be a path where this process can write/,
    );
  });
});
