import { describe, expect, it } from '@jest/globals';
import { isReadyStatus, platformOf, presets } from '../../../src/drill/platform.js';

describe('platformOf', () => {
  it.each([
    [
      'kubernetes',
      {
        signal: 'SIGTERM',
        preStopMs: 0,
        graceMs: 30_000,
        deregisters: true,
        readyUpTo: 399,
        env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' },
      },
    ],
    ['ecs', { signal: 'SIGTERM', preStopMs: 0, graceMs: 30_000, deregisters: true }],
    ['pm2', { signal: 'SIGINT', preStopMs: 0, graceMs: 1_600, deregisters: false }],
  ] as const)('knows what %s does', (preset, procedure) => {
    expect(platformOf(preset)).toEqual({ name: preset, ...procedure });
  });

  it('takes what is given by hand, and nothing for what is not', () => {
    const byHand = { signal: 'SIGQUIT', preStopMs: 5_000, graceMs: undefined, deregisters: false } as const;
    expect(platformOf('kubernetes', byHand)).toEqual({ ...presets.kubernetes, ...byHand, graceMs: 30_000 });
  });

  it('refuses a preStop wait that leaves nothing of the grace', () => {
    expect(() => platformOf('pm2', { preStopMs: 2_000 })).toThrow(/2000 ms leaves nothing of the grace of 1600 ms/);
  });
});

describe('isReadyStatus', () => {
  it('takes a redirect for ready where a kubelet does', () => {
    const ready = [undefined, 199, 200, 299, 302, 399, 400, 503];
    expect(ready.filter((status) => isReadyStatus(presets.kubernetes, status))).toEqual([200, 299, 302, 399]);
    expect(ready.filter((status) => isReadyStatus(presets.ecs, status))).toEqual([200, 299]);
  });
});
