import { usualGracePeriodMs } from 'nestjs-drain';
import { type Container, type Grace, type Workload } from '../model.js';
import { startOfFields } from '../read/command-line.js';
import { documentsOf } from '../read/documents.js';
import { type Field } from '../read/field.js';
import { secondsOf } from '../read/setting.js';
import { type Format, type Reading } from './format.js';

/** What ECS waits from SIGTERM to SIGKILL where nothing is said, seconds; and the longest that Fargate takes, ms. */
const graceSeconds = usualGracePeriodMs('Amazon ECS') / 1_000;
const fargateMostMs = 120_000;

export const ecs: Format = {
  id: 'ecs',
  title: 'Amazon ECS task definition',
  files: "JSON or YAML with 'containerDefinitions', of CloudFormation, too",
  usual: ['taskdef.json', 'task-definition.json', 'ecs-task-definition.json'],
  recognises: ({ text }) =>
    /["']?containerDefinitions["']?\s*:/.test(text) ||
    (/AWS::ECS::TaskDefinition/.test(text) && /["']?ContainerDefinitions["']?\s*:/.test(text)),
  read: (file): Reading => {
    const { fields, errors } = documentsOf(file);
    const workloads = fields.flatMap(definitionsIn).flatMap(workloadsOf);
    return { workloads, errors };
  },
};

/** Its own, what `describe-task-definition` wraps around it, and those among the resources of a stack. */
function definitionsIn(root: Field): readonly Field[] {
  if (root.get('containerDefinitions').exists) return [root];
  if (root.get('taskDefinition', 'containerDefinitions').exists) return [root.get('taskDefinition')];
  return root
    .get('Resources')
    .entries()
    .filter(([, resource]) => resource.get('Type').text === 'AWS::ECS::TaskDefinition')
    .map(([, resource]) => resource.get('Properties'));
}

/** A grace period is a container's own there, and so each of them counts as a workload. */
function workloadsOf(definition: Field): readonly Workload[] {
  const isFargate = named(definition, 'requiresCompatibilities')
    .items()
    .some(({ text }) => text === 'FARGATE');
  const family = named(definition, 'family').text ?? '(unnamed)';
  return named(definition, 'containerDefinitions')
    .items()
    .map((container) => ({
      kind: 'ECS task definition',
      name: family,
      at: container.place,
      containers: [containerOf(container)],
      others: [],
      runsToAnEnd: isAwaited(container, definition),
      isServing: named(container, 'portMappings').items().length > 0 || undefined,
      grace: graceOf(container, isFargate),
      stopSignal: { value: 'SIGTERM', at: container.place },
    }));
}

/** It has to end before another one starts. */
function isAwaited(container: Field, definition: Field): boolean {
  const name = named(container, 'name').text;
  return named(definition, 'containerDefinitions')
    .items()
    .flatMap((each) => named(each, 'dependsOn').items())
    .some(
      (each) =>
        named(each, 'containerName').text === name &&
        ['COMPLETE', 'SUCCESS'].includes(named(each, 'condition').text ?? ''),
    );
}

function containerOf(container: Field): Container {
  return {
    name: named(container, 'name').text ?? '(unnamed)',
    at: container.place,
    image: named(container, 'image').text,
    start: startOfFields(named(container, 'entryPoint'), named(container, 'command'), (key, words) => {
      const name = written(container, key === 'entrypoint' ? 'entryPoint' : 'command');
      return `${name}: [${words.map((word) => JSON.stringify(word)).join(', ')}]`;
    }),
    ports: named(container, 'portMappings')
      .items()
      .map((port) => ({ number: named(port, 'containerPort').number })),
    env: new Map(
      named(container, 'environment')
        .items()
        .map((each) => [named(each, 'name').text ?? '', named(each, 'value').text ?? '']),
    ),
  };
}

function graceOf(container: Field, isFargate: boolean): Grace {
  const field = named(container, 'stopTimeout');
  return {
    ms: secondsOf(field, graceSeconds),
    write: (ms) => `${written(container, 'stopTimeout')}: ${Math.ceil(ms / 1_000)}`,
    mostMs: isFargate ? fargateMostMs : undefined,
  };
}

/** A name as the file writes it. */
function written(container: Field, name: string): string {
  const isOfStack = container.get('Name').exists;
  const own = isOfStack ? capital(name) : name;
  return /\.ya?ml$/.test(container.place.file) ? own : `"${own}"`;
}

function capital(name: string): string {
  return `${name[0]!.toUpperCase()}${name.slice(1)}`;
}

/** CloudFormation writes the same names with a capital. */
function named(field: Field, name: string): Field {
  const own = field.get(name);
  return own.exists ? own : field.get(capital(name));
}
