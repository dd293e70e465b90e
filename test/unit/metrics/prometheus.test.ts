import 'reflect-metadata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import * as client from 'prom-client';
import { observeDrain } from '../../../src/metrics/index.js';
import { interruptedRun, Observed } from './observed.js';

let app: Observed;
let registry: client.Registry;

beforeEach(() => {
  app = new Observed();
  registry = new client.Registry();
  observeDrain(app.shutdown, { openTelemetry: false, prometheus: client, registry });
});

/** The samples of a scrape that are not 0, without what each metric is about. */
async function scraped(): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => line && !line.startsWith('#') && !line.endsWith(' 0'));
}

describe('The metrics for prom-client', () => {
  it('tell of an application that runs: its phase, and what is in flight by kind', async () => {
    const leases = [app.hold(), app.hold(), app.hold('task', 'import')];
    expect(await scraped()).toEqual([
      'nestjs_drain_phase{phase="running"} 1',
      'nestjs_drain_in_flight{kind="request"} 2',
      'nestjs_drain_in_flight{kind="task"} 1',
    ]);
    for (const lease of leases) lease.release();
    expect(await scraped()).toEqual(['nestjs_drain_phase{phase="running"} 1']);
  });

  it('keep the kinds that have been seen, at 0', async () => {
    const lease = app.hold();
    await registry.metrics();
    lease.release();
    expect(await registry.metrics()).toContain('nestjs_drain_in_flight{kind="request"} 0');
  });

  it('tell of a shutdown in progress', async () => {
    app.hold();
    await app.begin();
    await app.clock.advance(2_000);
    app.core.sequence.count('refused');
    await app.clock.advance(250);
    const samples = await scraped();
    expect(samples).toContain('nestjs_drain_phase{phase="draining"} 1');
    expect(samples).toContain('nestjs_drain_requests_refused_total 1');
    expect(samples.map((each) => each.split(' ')[0])).toEqual([
      'nestjs_drain_phase{phase="draining"}',
      'nestjs_drain_in_flight{kind="request"}',
      'nestjs_drain_requests_refused_total',
      'nestjs_drain_phase_duration_seconds{phase="lame-duck"}',
      'nestjs_drain_phase_duration_seconds{phase="draining"}',
      'nestjs_drain_shutdown_duration_seconds',
    ]);
  });

  it('tell of one that is over: its outcome, and what was left', async () => {
    app.hold();
    app.core.hooks.add('releasing', () => Promise.reject(new Error('no disk')), {});
    app.core.hooks.add('releasing', () => undefined, {});
    await app.begin();
    await app.clock.advance(4_000);
    await app.end();
    const samples = await scraped();
    expect(samples).toContain('nestjs_drain_phase{phase="closed"} 1');
    expect(samples).toContain('nestjs_drain_shutdowns_total{outcome="timed-out"} 1');
    expect(samples).toContain('nestjs_drain_leftovers{kind="request"} 1');
    expect(samples).toContain('nestjs_drain_hooks_failed_total 1');
  });

  it('tell of previous runs that were killed, and of what was lost with them', async () => {
    for (let run = 0; run < 2; run++) app.core.events.emit({ type: 'previous-run', previous: interruptedRun });
    const samples = await scraped();
    expect(samples).toContain('nestjs_drain_previous_run_interrupted{phase="draining"} 2');
    expect(samples).toContain('nestjs_drain_previous_run_in_flight 6');
  });

  it('are in the registry of prom-client where none is given', async () => {
    observeDrain(app.shutdown, { openTelemetry: false, prometheus: client });
    expect(await client.register.metrics()).toContain('nestjs_drain_phase{phase="running"} 1');
    client.register.clear();
  });

  it('say what each is', async () => {
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toContain('# TYPE nestjs_drain_requests_refused_total counter');
    expect(lines).toContain('# TYPE nestjs_drain_in_flight gauge');
    expect(lines).toContain('# HELP nestjs_drain_in_flight Pieces of work in flight.');
  });

  it('are those of the last application, where a registry is given to several', async () => {
    const other = new Observed();
    observeDrain(other.shutdown, { openTelemetry: false, prometheus: client, registry });
    app.hold();
    expect(await scraped()).toEqual(['nestjs_drain_phase{phase="running"} 1']);
  });
});
