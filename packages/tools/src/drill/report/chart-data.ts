import { bandName } from './bands.js';
import { lanesOf, spanOf, type Band } from './lanes.js';
import { nameOf } from '../outcomes.js';
import { shapeOf } from './shapes.js';
import { type Dots } from './thin.js';
import { type DrillSettings, type Roll } from '../result.js';

/** What the page's script draws a roll from. Times are ms since the roll began. */
export type ChartData = ReturnType<typeof chartData>;

export function chartData(roll: Roll, dots: Dots, settings: DrillSettings) {
  const { samples, startedAtMs } = roll;
  const { fromMs, toMs } = spanOf(roll);
  const kinds = samples.outcomes.filter((outcome) => outcome !== 'ok');
  const lanes = lanesOf(roll, settings.signal);
  const states = lanes.flatMap(({ process, readiness, rotation }) =>
    [...process, ...readiness, ...rotation].map(({ state }) => state),
  );
  const dueOf = (index: number): number => Math.round((samples.dueAtMs[index] ?? 0) - startedAtMs);
  const whoOf = (index: number): number =>
    ((samples.replica[index] ?? -1) + 1) * settings.requests.length + (samples.request[index] ?? 0);
  const kindOf = (index: number): number => kinds.indexOf(samples.outcomes[samples.outcome[index] ?? -1] ?? '');
  return {
    fromMs: Math.floor(fromMs),
    toMs: Math.ceil(toMs),
    signal: settings.signal,
    requests: settings.requests.map(({ name }) => name),
    kinds: kinds.map((kind) => ({ ...shapeOf(kind), name: nameOf(kind) })),
    lanes: lanes.map(({ name, process, readiness, rotation, marks }) => ({
      name,
      process: process.map(brief),
      readiness: readiness.map(brief),
      rotation: rotation.map(brief),
      marks,
    })),
    bandNames: Object.fromEntries(states.map((state) => [state, bandName(state)])),
    ok: {
      /** The time since the one before, which is shorter to write than its own. */
      stepMs: dots.ok.map(dueOf).map((dueMs, index, all) => dueMs - (all[index - 1] ?? 0)),
      latencyMs: dots.ok.map((index) => rounded(samples.latencyMs[index])),
      /** `(replica + 1) × requests + request` */
      who: dots.ok.map(whoOf),
    },
    failures: {
      dueMs: dots.failures.map(({ index }) => dueOf(index)),
      latencyMs: dots.failures.map(({ index }) => rounded(samples.latencyMs[index])),
      who: dots.failures.map(({ index }) => whoOf(index)),
      kind: dots.failures.map(({ index }) => kindOf(index)),
      /** How many are under one mark. */
      count: dots.failures.map(({ count }) => count),
    },
  };
}

function brief({ state, fromMs, toMs }: Band) {
  return [state, fromMs, toMs] as const;
}

/** Three significant digits: finer than a pixel. */
function rounded(ms = 0): number {
  return Number(ms.toPrecision(3));
}
