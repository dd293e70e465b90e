import { describe, expect, it } from '@jest/globals';
import { observationsOf } from '../../../src/drill/observations.js';

const listening = (pid: number, port: number, sigterm: number) => ({
  event: 'listening',
  at: 0,
  pid,
  port,
  address: '::',
  keepAliveTimeout: 5_000,
  listeners: { SIGTERM: sigterm },
});

describe('observationsOf', () => {
  it('takes who listens on the port, as it was last seen', () => {
    const { listener, otherPorts } = observationsOf(
      [listening(7, 9_229, 0), listening(8, 3_000, 0), listening(8, 3_000, 1)],
      3_000,
    );
    expect(listener).toEqual({ pid: 8, address: '::', keepAliveTimeoutMs: 5_000, signalListeners: { SIGTERM: 1 } });
    expect(otherPorts).toEqual([9_229]);
  });

  it('knows whether that one ended by itself', () => {
    const exit = (pid: number) => ({ event: 'exit', at: 0, pid });
    expect(observationsOf([listening(8, 3_000, 1), exit(7)], 3_000).listenerExited).toBe(false);
    expect(observationsOf([listening(8, 3_000, 1), exit(8)], 3_000).listenerExited).toBe(true);
  });

  it('knows which signals came to that one', () => {
    const seen = (pid: number, signal: string) => ({ event: 'signal', at: 0, pid, signal });
    const { signalsSeen } = observationsOf([listening(8, 3_000, 1), seen(7, 'SIGINT'), seen(8, 'SIGTERM')], 3_000);
    expect(signalsSeen).toEqual(['SIGTERM']);
  });

  it("puts phases on this process's own clock", () => {
    const at = performance.timeOrigin + 1_234;
    const lines = [
      { event: 'phase', at, pid: 8, phase: 'draining' },
      { event: 'report', at, pid: 8, report: { outcome: 'drained' } },
    ];
    const { phases, report } = observationsOf(lines, 3_000);
    expect(phases.map(({ phase }) => phase)).toEqual(['draining']);
    expect(phases[0]!.at).toBeCloseTo(1_234, 1);
    expect(report).toEqual({ outcome: 'drained' });
  });

  it('knows nothing where nothing was told', () => {
    expect(observationsOf([], 3_000)).toEqual({
      otherPorts: [],
      phases: [],
      listenerExited: false,
      signalsSeen: [],
    });
  });
});
