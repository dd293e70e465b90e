import { describe, expect, it } from '@jest/globals';
import { ReadinessHealthIndicator } from '../../../src/readiness/readiness.health-indicator.js';
import { type ShutdownPhase } from '../../../src/sequence/phase.js';

function sourceOf(phase: ShutdownPhase, isReady: boolean) {
  return {
    phase,
    probes: 0,
    probe() {
      this.probes++;
      return isReady;
    },
  };
}

describe('ReadinessHealthIndicator.isReady', () => {
  it('is up under its key while the replica is ready', async () => {
    const indicator = new ReadinessHealthIndicator(sourceOf('running', true));
    expect(await indicator.isReady('ready')).toEqual({ ready: { status: 'up', phase: 'running' } });
  });

  it('is down, with the phase, when it is not, and does not reject', async () => {
    const indicator = new ReadinessHealthIndicator(sourceOf('lame-duck', false));
    await expect(indicator.isReady('traffic')).resolves.toEqual({ traffic: { status: 'down', phase: 'lame-duck' } });
  });

  it('says that it is down for a rehearsal', async () => {
    const indicator = new ReadinessHealthIndicator({ ...sourceOf('running', false), isRehearsing: true });
    expect(await indicator.isReady('ready')).toEqual({
      ready: { status: 'down', phase: 'running', detail: 'rehearsal' },
    });
  });

  it('counts as one probe', async () => {
    const source = sourceOf('running', true);
    await new ReadinessHealthIndicator(source).isReady('ready');
    expect(source.probes).toBe(1);
  });
});
