/**
 * Runs npm scripts in lanes: the steps of a lane one after the other, the lanes side by side. Most of our suites wait
 * for clocks and sockets, so two lanes take little longer than one. What a step prints is shown when it has ended, in
 * one piece.
 *
 * `node scripts/lanes.mjs lint,types check:package` runs two lanes, the first of two steps.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ name: string, command: string[], cwd?: string, env?: NodeJS.ProcessEnv }} Step
 * @param {Step[][]} lanes a lane stops at its first step that fails; the others go on, so that one run tells everything
 * @returns {Promise<Step[]>} the steps that failed
 */
export async function runLanes(lanes) {
  const logs = mkdtempSync(join(tmpdir(), 'lanes-'));
  const failed = [];
  const runLane = async (lane, number) => {
    for (const [place, step] of lane.entries()) {
      const log = join(logs, `${number}-${place}`);
      const startedAt = performance.now();
      const isGreen = await run(step, log);
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      process.stdout.write(`\n--- ${step.name}\n${readFileSync(log, 'utf8')}`);
      process.stdout.write(`--- ${step.name} ${isGreen ? 'took' : 'failed after'} ${seconds} s\n`);
      if (!isGreen) return void failed.push(step);
    }
  };
  try {
    await Promise.all(lanes.map(runLane));
  } finally {
    rmSync(logs, { recursive: true });
  }
  return failed;
}

/** Reports whether the step ended well. */
function run({ command: [file, ...args], cwd, env }, log) {
  const output = openSync(log, 'w');
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lanes = process.argv.slice(2).map((lane) => lane.split(','));
  const stepOf = (name) => ({ name, command: ['npm', 'run', '--silent', name] });
  const failed = await runLanes(lanes.map((names) => names.map(stepOf)));
  if (failed.length > 0) process.exit(1);
}
