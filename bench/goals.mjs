/**
 * What must hold, and whether it does. A quick run judges the CPU ratio alone, and loosely: its milliseconds mean
 * nothing on a busy machine.
 */
const cpuGoal = 1.05;
const quickCpuGoal = 1.25;
const startupGoal = 1.3;
/** Bare against bare must come out this close to 1 for a ratio to be judged. */
const resolutionGoal = 0.02;

export function goals(results) {
  return results.isQuick ? [...cpuGoals(results, quickCpuGoal, Infinity)] : [...fullGoals(results)];
}

/** Of the hot path, both in one process, where bare against bare comes out closer. */
const hotPathGoal = 1.03;
const hotPathResolution = 0.015;

function* fullGoals(results) {
  for (const { name, ratio } of results.startup ?? []) yield atMost(`${name}, × a bundle`, ratio, startupGoal, 2);
  for (const { framework, name, cpuRatio } of results.hotPath ?? []) {
    if (name !== 'routes') continue;
    const again = results.hotPath.find((each) => each.framework === framework && each.name === 'bare-again');
    const verdict = atMost(`hot path: server CPU for each request on ${framework}, × bare`, cpuRatio, hotPathGoal, 3);
    yield judgedBy(again, hotPathResolution, verdict);
  }
  yield* cpuGoals(results, cpuGoal, resolutionGoal);
  for (const { ending, variant, drainMs } of results.ends ?? []) {
    if (variant === 'routes') yield atMost(`last response (${ending}) → drain promise, ms`, drainMs, 2, 1);
  }
  const exit = of(results.exit, 'routes');
  if (exit) yield atMost('idle application, SIGTERM → exit, ms', exit.exitMs, 150, 0);
  const [bare, ours] = [of(results.memory, 'bare'), of(results.memory, 'routes')];
  if (bare && ours) {
    yield atMost(
      'bytes for each idle connection, over bare',
      ours.bytesPerConnection - bare.bytesPerConnection,
      300,
      0,
    );
  }
}

function* cpuGoals(results, goal, resolution) {
  const row = (name) => results.cpu?.find((each) => each.framework === 'fastify' && each.name === name);
  const [again, ours] = [row('bare-again'), row('routes')];
  if (!ours) return;
  const verdict = atMost('server CPU for each request on Fastify, × bare', ours.cpuRatio, goal, 3);
  yield judgedBy(again, resolution, verdict);
}

/** A ratio is judged where bare against bare comes out close to 1. */
function judgedBy(again, resolution, verdict) {
  const off = Math.abs((again?.cpuRatio ?? Infinity) - 1);
  if (off <= resolution) return verdict;
  const why = `bare against bare is off by ${(off * 100).toFixed(1)} %: quieten the machine`;
  return { ...verdict, verdict: 'not judged', why };
}

function atMost(name, value, goal, digits) {
  return { name, value: Number(value.toFixed(digits)), goal, verdict: value <= goal ? 'met' : 'missed' };
}

function of(rows, variant) {
  return rows?.find((row) => row.variant === variant);
}
