import { basename } from 'node:path';
import { usualGracePeriodMs } from 'nestjs-drain';
import { type Container, type Grace, type Start, type Update, type Workload } from '../model.js';
import { durationMs } from '../read/duration.js';
import { readToml, type Toml } from '../read/toml.js';
import { commandWords } from '../start/lines.js';
import { signalName } from '../start/wrappers.js';
import { type Format } from './format.js';

/** What Fly.io does where nothing is said, and the longest that it waits. */
const signal = 'SIGINT';
const graceMs = usualGracePeriodMs('Fly.io');
const mostMs = 300_000;

export const fly: Format = {
  id: 'fly',
  title: 'Fly.io configuration',
  files: 'fly.toml, fly.*.toml',
  usual: ['fly.toml'],
  recognises: ({ name }) => /^fly\b.*\.toml$/.test(basename(name)),
  read: (file) => ({ workloads: [workloadOf(readToml(file))] }),
};

/** One process group is like another but for what it runs: they are the containers of one workload. */
function workloadOf(toml: Toml): Workload {
  const { value, placeOf } = toml;
  const at = placeOf(['app']);
  const groups = Object.keys(recordIn(value, 'processes'));
  const given = value['kill_signal'];
  const app = typeof value['app'] === 'string' ? value['app'] : 'app';
  return {
    kind: 'Fly.io app',
    name: app,
    at,
    containers: groups.length > 0 ? groups.map((group) => containerOf(toml, group)) : [containerOf(toml, undefined)],
    others: [],
    runsToAnEnd: false,
    isServing: servicesIn(value).length > 0 || undefined,
    update: updateOf(toml),
    grace: graceOf(toml),
    stopSignal: {
      value: typeof given === 'string' ? signalName(given) : signal,
      text: given === undefined ? undefined : `kill_signal=${textOf(given)}`,
      at: placeOf(['kill_signal']),
    },
    stopSignalFix: 'Set kill_signal = "SIGTERM".',
  };
}

function containerOf(toml: Toml, group: string | undefined): Container {
  const { value, placeOf } = toml;
  const image = recordIn(value, 'build')['image'];
  return {
    name: group ?? '',
    at: group === undefined ? placeOf(['app']) : placeOf(['processes', group]),
    image: typeof image === 'string' ? image : undefined,
    start: startOf(toml, group),
    ports: servicesIn(value).flatMap(({ internal_port: port }) => (typeof port === 'number' ? [{ number: port }] : [])),
    env: new Map(Object.entries(recordIn(value, 'env')).map(([name, each]) => [name, String(each)])),
  };
}

/** What a process group runs stands in for the image's CMD. */
function startOf({ value, placeOf }: Toml, process: string | undefined): Start | undefined {
  const experimental = recordIn(value, 'experimental');
  const list = (given: unknown) =>
    Array.isArray(given) ? given.map(String) : typeof given === 'string' ? commandWords(given) : undefined;
  const entrypoint = list(experimental['exec']) ?? list(experimental['entrypoint']);
  const named = process === undefined ? undefined : recordIn(value, 'processes')[process];
  const command = typeof named === 'string' ? commandWords(named) : list(experimental['cmd']);
  if (!entrypoint && !command) return undefined;
  if (process !== undefined && typeof named === 'string') {
    const at = placeOf(['processes', process]);
    return { at, entrypoint, command, exec: (words) => `${process} = '${words.join(' ')}'` };
  }
  const key = experimental['exec'] ? 'exec' : entrypoint ? 'entrypoint' : 'cmd';
  const at = placeOf(['experimental', key]);
  return {
    at,
    entrypoint,
    command,
    exec: (words) => `${key} = [${words.map((word) => JSON.stringify(word)).join(', ')}]`,
  };
}

function graceOf({ value, placeOf }: Toml): Grace {
  const given = value['kill_timeout'];
  return {
    ms: {
      value: given === undefined ? graceMs : durationMs(textOf(given)),
      text: given === undefined ? undefined : textOf(given),
      at: placeOf(['kill_timeout']),
    },
    write: (ms) => `kill_timeout = ${Math.ceil(ms / 1_000)}`,
    mostMs,
  };
}

/** `immediate` replaces all machines at once; the other strategies leave some. */
function updateOf({ value, placeOf }: Toml): Update | undefined {
  if (recordIn(value, 'deploy')['strategy'] !== 'immediate') return undefined;
  return {
    at: placeOf(['deploy', 'strategy']),
    text: "strategy = 'immediate'",
    isGiven: true,
    taken: (replicas) => replicas,
    fix: () => "Set strategy = 'rolling', or 'bluegreen'",
    isRecreate: true,
  };
}

function servicesIn(value: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  const { services, http_service: http } = value;
  return [http, ...(Array.isArray(services) ? (services as unknown[]) : [])].filter(isRecord);
}

function recordIn(value: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const found = value[key];
  return isRecord(found) ? found : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
