import { basename, posix } from 'node:path';
import { usualGracePeriodMs } from 'nestjs-drain';
import { type Container, type Grace, type NotChecked, type Update, type Workload } from '../model.js';
import { startOfFields } from '../read/command-line.js';
import { documentsOf } from '../read/documents.js';
import { durationMs } from '../read/duration.js';
import { type Field } from '../read/field.js';
import { numberOf } from '../read/setting.js';
import { signalName } from '../start/wrappers.js';
import { type Beside, type Format, type Reading } from './format.js';

/** What Docker waits from the signal to SIGKILL, where nothing is said. */
const graceMs = usualGracePeriodMs('a container');

export const compose: Format = {
  id: 'compose',
  title: 'Compose file, of Docker Swarm, too',
  files: "compose.yaml, docker-compose*.yml, or YAML with a mapping 'services'",
  usual: ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml', 'docker-compose.prod.yml'],
  recognises: ({ name, text }) =>
    /^(docker-)?compose\b.*\.ya?ml$/i.test(basename(name)) ||
    (/^services\s*:/m.test(text) && !/^(kind|apiVersion)\s*:/m.test(text) && !/^\{/.test(text.trimStart())),
  read: (file, beside): Reading => {
    const { fields, errors } = documentsOf(file);
    const workloads = fields.flatMap((root) => {
      const services = root.get('services').entries();
      const isSwarm = /stack|swarm/i.test(basename(file.name)) || services.some(([, service]) => isOfSwarm(service));
      const awaited = new Set(services.flatMap(([, service]) => awaitedBy(service)));
      const areBuilt = services.some(([, service]) => service.get('build').exists);
      return services.filter(isWhole).map(([name, service]) => {
        const workload = workloadOf(name, service, isSwarm, awaited.has(name));
        return areBuilt && isOfOthers(service)
          ? { ...workload, grace: { ...workload.grace, isAssumed: true } }
          : workload;
      });
    });
    const notChecked = fields.flatMap((root) => [
      ...elsewhereIn(root),
      ...overridesIn(root),
      ...otherStagesIn(root, beside),
    ]);
    return { workloads, errors, notChecked };
  },
};

/** Beside services that are built here, an image that is started as it is may be anybody's. */
function isOfOthers(service: Field): boolean {
  return !['build', 'command', 'entrypoint'].some((key) => service.get(key).exists);
}

/** What other files say of its services. */
function elsewhereIn(root: Field): readonly NotChecked[] {
  const included = root.get('include');
  const extended = root
    .get('services')
    .entries()
    .map(([, service]) => service.get('extends'))
    .filter((each) => each.get('file').exists);
  return [...(included.exists ? [included] : []), ...extended].map(({ place: at }) => ({
    at,
    what: 'what other files say of it: render it first, docker compose config | nestjs-drain doctor -',
  }));
}

/** What an override leaves out is said by what it is put on: none of it is a default. */
function isWhole([, service]: readonly [string, Field]): boolean {
  return ['image', 'build', 'command', 'entrypoint', 'extends'].some((key) => service.get(key).exists);
}

function overridesIn(root: Field): readonly NotChecked[] {
  const overrides = root
    .get('services')
    .entries()
    .filter((each) => !isWhole(each));
  return overrides.map(([name, { place: at }]) => ({
    at,
    what: `service ${name}, which has neither image nor build, as in overrides: docker compose config renders it`,
  }));
}

/** Of a Dockerfile the last stage is looked at; a service may be built of another one. */
function otherStagesIn(root: Field, beside: Beside): readonly NotChecked[] {
  return root
    .get('services')
    .entries()
    .flatMap(([name, service]) => {
      const build = service.get('build');
      const target = build.get('target');
      const isStarted = service.get('command').exists && service.get('entrypoint').exists;
      const dockerfile = build.get('dockerfile').text ?? 'Dockerfile';
      const text = beside(posix.join(build.get('context').text ?? '.', dockerfile));
      if (target.text === undefined || isStarted || text === undefined) return [];
      const last = [...text.matchAll(/^\s*FROM\s+\S.*?(?:\s+AS\s+(\S+))?\s*$/gim)].at(-1)?.[1];
      if (last?.toLowerCase() === target.text.toLowerCase()) return [];
      return [{ at: target.place, what: `service ${name} is built of stage ${target.text}, and the last one is read` }];
    });
}

/** Reports whether Swarm runs it: what Compose passes over is said there. */
function isOfSwarm(service: Field): boolean {
  const deploy = service.get('deploy');
  return ['update_config', 'rollback_config', 'placement', 'mode', 'endpoint_mode'].some(
    (key) => deploy.get(key).exists,
  );
}

/** Those that have to end before another one starts. */
function awaitedBy(service: Field): readonly string[] {
  return service
    .get('depends_on')
    .entries()
    .filter(([, each]) => each.get('condition').text === 'service_completed_successfully')
    .map(([name]) => name);
}

function workloadOf(name: string, service: Field, isSwarm: boolean, isAwaited: boolean): Workload {
  const deploy = service.get('deploy');
  const restart = deploy.get('restart_policy', 'condition').text;
  const signal = service.get('stop_signal');
  return {
    kind: isSwarm ? 'Swarm service' : 'Compose service',
    name,
    at: service.place,
    containers: [containerOf(service)],
    others: [],
    runsToAnEnd:
      isAwaited ||
      restart === 'none' ||
      service
        .get('profiles')
        .items()
        .some(({ text }) => text === 'tools'),
    // Swarm leads requests to a service by its name, whatever it publishes.
    isServing:
      isPublished(service) || (isSwarm && !/worker|consumer|cron|scheduler|queue|job/i.test(name)) || undefined,
    replicas: isSwarm && deploy.get('mode').text !== 'global' ? numberOf(deploy.get('replicas'), 1) : undefined,
    update: isSwarm ? updateOf(deploy) : undefined,
    grace: graceOf(service.get('stop_grace_period')),
    stopSignal: {
      value: signal.exists ? (signal.text?.includes('$') ? undefined : signalName(signal.text ?? '')) : 'SIGTERM',
      text: signal.exists ? `stop_signal: ${signal.text}` : undefined,
      at: signal.place,
    },
  };
}

function containerOf(service: Field): Container {
  const ports = [...service.get('ports').items(), ...service.get('expose').items()];
  return {
    name: '',
    at: service.place,
    image: service.get('image').text,
    start: startOfFields(
      service.get('entrypoint'),
      service.get('command'),
      (key, words) => `${key}: [${words.map((word) => JSON.stringify(word)).join(', ')}]`,
    ),
    ports: ports.map((port) => ({ number: portIn(port) })),
    env: environmentOf(service.get('environment')),
  };
}

/** The port of the container in `8080:80/tcp`, or of the long form. */
function portIn(port: Field): number | undefined {
  const target = port.get('target').number;
  const [, digits] = /(\d+)(?:\/\w+)?$/.exec(port.text ?? '') ?? [];
  return target ?? (digits === undefined ? undefined : Number(digits));
}

function environmentOf(field: Field): ReadonlyMap<string, string> {
  const listed = field
    .items()
    .map(({ text = '' }) => [text.split('=')[0]!, text.slice(text.indexOf('=') + 1)] as const);
  const mapped = field.entries().map(([name, { text = '' }]) => [name, text] as const);
  return new Map([...listed, ...mapped]);
}

function isPublished(service: Field): boolean {
  const labels = [service.get('labels'), service.get('deploy', 'labels')];
  const isRouted = labels.some(
    (each) =>
      each.items().some(({ text = '' }) => text.startsWith('traefik.http')) ||
      each.entries().some(([key]) => key.startsWith('traefik.http')),
  );
  return isRouted || service.get('ports').items().length > 0;
}

/** Swarm stops a task before it starts its successor, one after the other, unless it is told otherwise. */
function updateOf(deploy: Field): Update {
  const config = deploy.get('update_config');
  const [order, parallelism] = [config.get('order'), config.get('parallelism')];
  const said = [order, parallelism].filter(({ exists }) => exists);
  const isStartFirst = order.text === 'start-first';
  const spelt = said.map((field) => `${field === order ? 'order' : 'parallelism'}: ${field.text}`).join(' with ');
  return {
    at: (said[0] ?? config).place,
    text: spelt || 'order: stop-first, the default,',
    isGiven: said.length > 0,
    taken: (replicas) => {
      if (isStartFirst) return 0;
      if (order.exists && order.text !== 'stop-first') return undefined;
      const atOnce = parallelism.exists ? parallelism.number : 1;
      return atOnce === undefined ? undefined : atOnce === 0 ? replicas : Math.min(atOnce, replicas);
    },
    fix: () => 'Set order: start-first and parallelism: 1 in update_config',
    isRecreate: false,
  };
}

function graceOf(field: Field): Grace {
  const value = field.exists ? durationMs(field.text ?? '') : graceMs;
  return {
    ms: { value, text: field.exists ? (field.text ?? '') : undefined, at: field.place },
    write: (ms) => `stop_grace_period: ${Math.ceil(ms / 1_000)}s`,
  };
}
