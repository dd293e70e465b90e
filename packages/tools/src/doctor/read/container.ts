import { type Container, type Port, type Start } from '../model.js';
import { type Field } from './field.js';
import { preStopOf } from './pre-stop.js';
import { probeOf } from './probe.js';

/** A container of a pod. */
export function containerOf(field: Field): Container {
  const ports = field.get('ports').items().map(portOf);
  return {
    name: field.get('name').text ?? '',
    at: field.place,
    image: field.get('image').text,
    start: startOf(field),
    ports,
    env: new Map(
      field
        .get('env')
        .items()
        .map((each) => [each.get('name').text ?? '', each.get('value').text ?? '']),
    ),
    readiness: probeOf(field.get('readinessProbe'), ports),
    liveness: probeOf(field.get('livenessProbe'), ports),
    startup: probeOf(field.get('startupProbe'), ports),
    preStop: preStopOf(field),
  };
}

function portOf(port: Field): Port {
  const field = port.get('containerPort');
  return { name: port.get('name').text, number: field.number, text: field.text };
}

/** `command` stands in for the image's ENTRYPOINT, `args` for its CMD. */
function startOf(field: Field): Start | undefined {
  const command = field.get('command');
  const args = field.get('args');
  if (!command.exists && !args.exists) return undefined;
  return {
    at: (command.exists ? command : args).place,
    entrypoint: command.exists ? wordsOf(command) : undefined,
    command: args.exists ? wordsOf(args) : undefined,
    exec: (words) => {
      const list = `command: [${words.map((word) => `'${word.replaceAll("'", "''")}'`).join(', ')}]`;
      return command.exists && args.exists ? `${list}, without args` : list;
    },
  };
}

function wordsOf(field: Field): readonly string[] {
  return field.items().flatMap(({ text }) => text ?? []);
}
