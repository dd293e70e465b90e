import { basename } from 'node:path';
import { usualGracePeriodMs } from 'nestjs-drain';
import { type Workload } from '../model.js';
import { wordsForBash } from '../read/command-line.js';
import { documentsOf } from '../read/documents.js';
import { type Field } from '../read/field.js';
import { numberOf, secondsOf } from '../read/setting.js';
import { type Format, type Reading } from './format.js';

/** What Render waits from SIGTERM to SIGKILL where nothing is said, seconds; and the longest that it takes, ms. */
const graceSeconds = usualGracePeriodMs('Render') / 1_000;
const mostMs = 300_000;
/** Those that run what the file says. */
const types = ['web', 'pserv', 'worker', 'cron'];

export const render: Format = {
  id: 'render',
  title: 'Render blueprint',
  files: "render.yaml, or YAML with a list 'services'",
  usual: ['render.yaml', 'render.yml'],
  recognises: ({ name, text }) =>
    /^render\.ya?ml$/.test(basename(name)) || /^services\s*:\s*(#.*)?\n(\s*#.*\n|\s*\n)*\s*-\s/m.test(text),
  read: (file): Reading => {
    const { fields, errors } = documentsOf(file);
    const services = fields.flatMap((root) => root.get('services').items());
    return { workloads: services.filter(runs).map(workloadOf), errors };
  },
};

function runs(service: Field): boolean {
  const runtime = service.get('runtime').text ?? service.get('env').text;
  return types.includes(service.get('type').text ?? '') && runtime !== 'static';
}

function workloadOf(service: Field): Workload {
  const type = service.get('type').text;
  const key = service.get('dockerCommand').exists ? 'dockerCommand' : 'startCommand';
  const command = service.get(key);
  const name = service.get('name').text ?? '(unnamed)';
  return {
    kind: 'Render service',
    name,
    at: service.get('type').place,
    containers: [
      {
        name: '',
        at: service.place,
        image: service.get('image', 'url').text,
        start:
          command.text === undefined
            ? undefined
            : {
                at: command.place,
                entrypoint: wordsForBash(command.text),
                exec: (words) => `${key}: ${words.join(' ')}`,
              },
        ports: [],
        env: new Map(
          service
            .get('envVars')
            .items()
            .map((each) => [each.get('key').text ?? '', each.get('value').text ?? '']),
        ),
      },
    ],
    others: [],
    runsToAnEnd: type === 'cron',
    isServing: type === 'web' || type === 'pserv' || undefined,
    replicas: service.get('numInstances').exists ? numberOf(service.get('numInstances')) : undefined,
    grace: {
      ms: secondsOf(service.get('maxShutdownDelaySeconds'), graceSeconds),
      write: (ms) => `maxShutdownDelaySeconds: ${Math.ceil(ms / 1_000)}`,
      mostMs,
    },
    stopSignal: { value: 'SIGTERM', at: service.place },
  };
}
