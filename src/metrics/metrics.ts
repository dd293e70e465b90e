import { phases } from '../sequence/phase.js';
import { type Seen } from './seen.js';

/** A value, and the label it stands under, where its metric has one. */
export type Reading = readonly [value: number, label?: string];

/** One metric, whichever way it is exported. */
export interface Metric {
  /** With dots, as OpenTelemetry writes names. */
  readonly name: string;
  /** A counter only rises, an up-down counter may be added up over replicas, a gauge may not. */
  readonly type: 'counter' | 'up-down-counter' | 'gauge';
  /** As UCUM has it: `s`, or what is counted, in braces. */
  readonly unit: string;
  /** The one attribute, or label, that tells its values apart. */
  readonly label?: string;
  readonly description: string;
  read(seen: Seen): Iterable<Reading>;
}

/** Every metric, once. docs/metrics.md has the same table. */
export const metrics: readonly Metric[] = [
  {
    name: 'nestjs_drain.phase',
    type: 'gauge',
    unit: '',
    label: 'phase',
    description: '1 for the phase that the shutdown is in, 0 for all others.',
    read: ({ snapshot }) => phases.map((phase): Reading => [Number(phase === snapshot.phase), phase]),
  },
  {
    name: 'nestjs_drain.in_flight',
    type: 'up-down-counter',
    unit: '{item}',
    label: 'kind',
    description: 'Pieces of work in flight.',
    read: ({ inFlight }) => readings(inFlight),
  },
  {
    name: 'nestjs_drain.requests.refused',
    type: 'counter',
    unit: '{request}',
    description: 'Late requests that were refused: they arrived when draining had begun.',
    read: ({ snapshot }) => [[snapshot.refused]],
  },
  {
    name: 'nestjs_drain.requests.after_unready',
    type: 'counter',
    unit: '{request}',
    description: 'Requests on connections opened after readiness had failed: the balancer had not heard of it.',
    read: ({ snapshot }) => [[snapshot.afterUnready]],
  },
  {
    name: 'nestjs_drain.runs.skipped',
    type: 'counter',
    unit: '{run}',
    description: 'Runs of tracked methods that a scheduler would have begun while draining.',
    read: ({ snapshot }) => [[snapshot.skipped]],
  },
  {
    name: 'nestjs_drain.leftovers',
    type: 'gauge',
    unit: '{item}',
    label: 'kind',
    description: 'What the report names as cut, late or failed.',
    read: ({ leftovers }) => readings(leftovers),
  },
  {
    name: 'nestjs_drain.hooks.failed',
    type: 'counter',
    unit: '{hook}',
    description: 'Hooks that were rejected, or had not ended in time.',
    read: ({ failedHooks }) => [[failedHooks]],
  },
  {
    name: 'nestjs_drain.phase.duration',
    type: 'gauge',
    unit: 's',
    label: 'phase',
    description: 'How long each phase of the shutdown has taken, the present one so far.',
    read: ({ phaseSeconds }) => readings(phaseSeconds),
  },
  {
    name: 'nestjs_drain.shutdown.duration',
    type: 'gauge',
    unit: 's',
    description: 'How long the shutdown has taken, so far; 0 while the application runs.',
    read: ({ shutdownSeconds }) => [[shutdownSeconds]],
  },
  {
    name: 'nestjs_drain.shutdowns',
    type: 'counter',
    unit: '{shutdown}',
    label: 'outcome',
    description: 'Shutdowns that are over, by how the drain ended.',
    read: ({ outcomes }) => readings(outcomes),
  },
  {
    name: 'nestjs_drain.previous_run.interrupted',
    type: 'gauge',
    unit: '{run}',
    label: 'phase',
    description: 'Previous runs that were killed, or ended, in the middle of a shutdown, by the phase they were in.',
    read: ({ previousEnds }) => readings(previousEnds),
  },
  {
    name: 'nestjs_drain.previous_run.in_flight',
    type: 'gauge',
    unit: '{item}',
    description: 'Pieces of work that were in flight when those runs ended.',
    read: ({ previousInFlight }) => [[previousInFlight]],
  },
];

/** The name as Prometheus writes it, and as exporters of OpenTelemetry make it. */
export function prometheusName({ name, type, unit }: Pick<Metric, 'name' | 'type' | 'unit'>): string {
  return name.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '') + (type === 'counter' ? '_total' : '');
}

/** The labels of Prometheus, the attributes of OpenTelemetry. */
export function labelsOf({ label }: Pick<Metric, 'label'>, [, value]: Reading): Record<string, string> {
  return label === undefined || value === undefined ? {} : { [label]: value };
}

function readings(counts: ReadonlyMap<string, number>): Reading[] {
  return Array.from(counts, ([label, count]) => [count, label]);
}
