import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';

/** Runs the command as `npx` does. */
function nestjsDrain(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, ['node_modules/.bin/nestjs-drain', ...args], { encoding: 'utf8' });
}

describe('npx nestjs-drain', () => {
  it('rolls the built application, and loses nothing', () => {
    const traffic = ['--request=GET /health/live', '--rate=40', '--warm-up=500ms', '--cool-down=300ms'];
    const roll = ['--replicas=2', '--lag=400ms', '--json'];
    const { status, stdout } = nestjsDrain('drill', ...traffic, ...roll, '--', 'node', 'dist/main.js', 'fastify');
    const { lostNothing, totals } = JSON.parse(stdout) as { lostNothing: boolean; totals: { failed: number } };
    expect({ status, lostNothing, failed: totals.failed }).toEqual({ status: 0, lostNothing: true, failed: 0 });
  }, 120_000);

  it("finds nothing in the application's own files, by the numbers of its options", () => {
    const { status, stdout } = nestjsDrain('doctor', '--options={"drainTimeoutMs":5000}', 'package.json');
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('drain 5 s') });
  });
});
