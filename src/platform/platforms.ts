import { graceVariable, supervisorVariable } from './supervised-worker.js';

/** The process as its platform has made it. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly parentPid: number;
}

/** Where a process runs, and how long it has there from the signal to SIGKILL, ms. */
export interface Platform {
  readonly name: string;
  readonly gracePeriodMs: number;
  /** What the platform is known by, and whose number that is. */
  readonly why: string;
  /** Nobody can configure another number. */
  readonly isFixed?: boolean;
  /** Reports whether this service manager can be asked for the real number. */
  readonly isSystemd?: boolean;
}

/**
 * A platform that kills after a time of its own.
 *
 * @publicApi
 */
export type PlatformName =
  | 'Fly.io'
  | 'Nomad'
  | 'Google Cloud Run'
  | 'Google App Engine'
  | 'Azure Container Apps'
  | 'Amazon ECS'
  | 'Heroku'
  | 'Render'
  | 'Kubernetes'
  | 'PM2'
  | 'a container';

/** docs/platforms.md has the sources, ms. */
const usualGracePeriodsMs: Readonly<Record<PlatformName, number>> = {
  'Fly.io': 5_000,
  Nomad: 5_000,
  'Google Cloud Run': 10_000,
  'Google App Engine': 30_000,
  'Azure Container Apps': 30_000,
  'Amazon ECS': 30_000,
  Heroku: 30_000,
  Render: 30_000,
  Kubernetes: 30_000,
  PM2: 1_600,
  'a container': 10_000,
};

/**
 * From the signal to SIGKILL on a platform, where its configuration says nothing else, ms. For tools: an application is
 * asked by `gracePeriodMs: 'auto'`.
 *
 * @publicApi
 */
export function usualGracePeriodMs(platform: PlatformName): number {
  return usualGracePeriodsMs[platform];
}

type Recognise = (surroundings: Surroundings) => Platform | undefined;
type RecogniseContainer = (surroundings: Pick<Surroundings, 'environment'>) => Platform | undefined;

const fixed = 'it cannot be changed there';

/** A platform that sets a variable of its own, and whose number the process is not told. */
function knownBy(variable: string, name: PlatformName, number: string): RecogniseContainer {
  const gracePeriodMs = usualGracePeriodsMs[name];
  const platform = { name, gracePeriodMs, why: `${variable} is set; ${number}`, isFixed: number === fixed };
  return ({ environment }) => (environment[variable] === undefined ? undefined : platform);
}

function cloudRun(variable: string): RecogniseContainer {
  const recognise = knownBy(variable, 'Google Cloud Run', fixed);
  // Knative sets the same variables, and kills when Kubernetes does.
  return (surroundings) => (isUnderKubernetes(surroundings.environment) ? undefined : recognise(surroundings));
}

/**
 * Those that stop a container, with all of its processes, known by a variable that each sets in it. The number is what
 * each has unless it is told another one: docs/platforms.md has the sources.
 */
const containerPlatforms: readonly RecogniseContainer[] = [
  knownBy('FLY_MACHINE_ID', 'Fly.io', 'its kill_timeout, unless fly.toml says otherwise'),
  knownBy('NOMAD_ALLOC_ID', 'Nomad', 'its kill_timeout, unless the task says otherwise'),
  cloudRun('K_SERVICE'),
  cloudRun('CLOUD_RUN_JOB'),
  knownBy('GAE_SERVICE', 'Google App Engine', fixed),
  knownBy(
    'CONTAINER_APP_NAME',
    'Azure Container Apps',
    'its terminationGracePeriodSeconds, unless the template says otherwise',
  ),
  ...['ECS_CONTAINER_METADATA_URI_V4', 'ECS_CONTAINER_METADATA_URI'].map((variable) =>
    knownBy(variable, 'Amazon ECS', 'its stopTimeout, unless the task definition says otherwise'),
  ),
  knownBy('DYNO', 'Heroku', fixed),
  knownBy('RENDER', 'Render', 'its maxShutdownDelaySeconds, unless the service says otherwise'),
  knownBy(
    'KUBERNETES_SERVICE_HOST',
    'Kubernetes',
    'its terminationGracePeriodSeconds, unless the manifest says otherwise',
  ),
];

/** Who kills first is looked for first: PM2 may run on any of the others. */
const platforms: readonly Recognise[] = [supervisor, pm2, ...containerPlatforms, systemd, container];

/** What is assumed where nothing is recognised, ms. */
export const unknownGracePeriodMs = 30_000;

/** Reports whether this is the environment of a pod. */
export function isUnderKubernetes({ KUBERNETES_SERVICE_HOST }: NodeJS.ProcessEnv): boolean {
  return KUBERNETES_SERVICE_HOST !== undefined;
}

/**
 * Reports whether a signal that reaches one of the processes here most likely reaches all of them: a platform replaces
 * the container, and not a process in it. Balancers must then be told to go elsewhere.
 */
export function isReplacedAsAWhole(environment: NodeJS.ProcessEnv): boolean {
  return containerPlatforms.some((each) => each({ environment }) !== undefined);
}

/** Finds out where a process runs, by what its platform has written into its environment. */
export function recognise(surroundings: Surroundings): Platform {
  for (const each of platforms) {
    const platform = each(surroundings);
    if (platform) return platform;
  }
  return { name: 'the usual time', gracePeriodMs: unknownGracePeriodMs, why: 'no platform was recognised' };
}

function supervisor({ environment, parentPid }: Surroundings): Platform | undefined {
  const gracePeriodMs = Number(environment[graceVariable]);
  // Children of a worker inherit its variables.
  if (Number(environment[supervisorVariable]) !== parentPid || !(gracePeriodMs > 0)) return undefined;
  return { name: 'nestjs-drain serve', gracePeriodMs, why: 'its --grace' };
}

function pm2({ environment }: Surroundings): Platform | undefined {
  const { pm_id, kill_timeout, PM2_KILL_TIMEOUT } = environment;
  if (pm_id === undefined) return undefined;
  const platform = pm2With({ 'its kill_timeout': kill_timeout, PM2_KILL_TIMEOUT });
  // Whoever runs the container kills PM2, too.
  const around = containerPlatforms.map((each) => each({ environment })).find((each) => each?.isFixed);
  return around && around.gracePeriodMs < platform.gracePeriodMs ? around : platform;
}

/** PM2 with the first of these times that is one. */
function pm2With(times: Readonly<Record<string, string | undefined>>): Platform {
  const [why, time] = Object.entries(times).find(([, each]) => Number(each) > 0) ?? [
    'pm_id is set; its kill_timeout, for none is configured',
    usualGracePeriodsMs.PM2,
  ];
  return { name: 'PM2', gracePeriodMs: Number(time), why };
}

/**
 * The variables of a unit are passed on to all that its processes start, a shell in a terminal window included: the
 * process has to be the unit's own, or started by that one (npm, a shell).
 */
function systemd({ environment, pid, parentPid }: Surroundings): Platform | undefined {
  const { INVOCATION_ID, SYSTEMD_EXEC_PID } = environment;
  if (INVOCATION_ID === undefined) return undefined;
  // Before version 248 systemd did not tell which process is the unit's.
  const isOfUnit =
    SYSTEMD_EXEC_PID === undefined ? parentPid === 1 : [pid, parentPid].includes(Number(SYSTEMD_EXEC_PID));
  if (!isOfUnit) return undefined;
  const why = 'INVOCATION_ID is set; its TimeoutStopSec is not known';
  return { name: 'systemd', gracePeriodMs: unknownGracePeriodMs, why, isSystemd: true };
}

function container({ pid }: Surroundings): Platform | undefined {
  if (pid !== 1) return undefined;
  return {
    name: 'a container',
    gracePeriodMs: usualGracePeriodsMs['a container'],
    why: "the process is PID 1, and no orchestrator is recognised; docker's own, unless it is told otherwise",
  };
}
