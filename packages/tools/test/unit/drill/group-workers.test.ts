import { describe, expect, it } from '@jest/globals';
import { type Line } from '../../../src/drill/observations.js';
import { GroupWorkers } from '../../../src/drill/targets/group-workers.js';

/** No process has such a number. */
const gone = 2 ** 30;
const at = (ms: number) => performance.timeOrigin + ms;
const born = (pid: number): Line[] => [
  { event: 'started', pid, at: at(10), startedAt: at(5) },
  { event: 'answered', pid, at: at(100), answered: 3 },
];

function workersOf(...lines: readonly Line[]): GroupWorkers {
  const workers = new GroupWorkers(() => lines, 1_600);
  workers.look();
  return workers;
}

describe('GroupWorkers', () => {
  it('takes for workers who has answered, and nobody else', () => {
    const primary = { event: 'started', pid: 1, at: at(0), startedAt: at(0) };
    const { lives } = workersOf(primary, ...born(process.pid));
    expect(lives.map(({ name, pid, answeredInside, exitedAt }) => [name, pid, answeredInside, exitedAt])).toEqual([
      ['worker-1', process.pid, 3, undefined],
    ]);
    expect(lives[0]!.startedAt).toBeCloseTo(5, 1);
  });

  it('tells a stop from its signal to its exit, with its code', () => {
    const signal = { event: 'signal', pid: gone, at: at(500), signal: 'SIGINT' };
    const exit = { event: 'exit', pid: gone, at: at(900), code: 3 };
    const [life] = workersOf(...born(gone), signal, exit).lives;
    expect(life!.exit).toMatchObject({ exitCode: 3, killed: false });
    expect(life!.exit!.ms).toBeCloseTo(400, 1);
    expect(life!.exitedAt).toBeCloseTo(900, 1);
  });

  it('takes for killed who is gone without a word when the grace is over', () => {
    const signalled = (ago: number) => ({
      event: 'signal',
      pid: gone,
      at: at(performance.now() - ago),
      signal: 'SIGINT',
    });
    const killed = (...lines: Line[]) => workersOf(...born(gone), ...lines).lives[0]!.exit!.killed;
    expect(killed(signalled(1_600))).toBe(true);
    expect(killed(signalled(800))).toBe(false);
    expect(killed(signalled(1_600), { event: 'phase', pid: gone, at: at(0), phase: 'closed' })).toBe(false);
  });
});
