import { type Port, type Probe, type Setting } from '../model.js';
import { type Field } from './field.js';
import { numberOf } from './setting.js';

const kinds = ['httpGet', 'exec', 'tcpSocket', 'grpc'] as const;

/** A probe of Kubernetes, with its defaults. */
export function probeOf(field: Field, ports: readonly Port[]): Probe | undefined {
  if (!field.exists) return undefined;
  const kind = kinds.find((each) => field.get(each).exists) ?? 'none';
  const asked = field.get(kind);
  const port = kind === 'exec' || kind === 'none' ? undefined : portOf(asked.get('port'));
  const path = kind === 'httpGet' ? pathOf(asked.get('path')) : undefined;
  const number = port && (ports.find(({ name }) => name === port.value)?.number ?? port.value);
  const words = asked
    .get('command')
    .items()
    .map(({ text }) => text);
  const grace = field.get('terminationGracePeriodSeconds');
  return {
    at: field.place,
    kind,
    path,
    port,
    target: kind === 'exec' ? words.join(' ') : `${path ?? asked.get('service').text ?? ''} on ${number}`,
    targetAt: [asked.get('path'), asked, field].find(({ exists }) => exists)!.place,
    periodSeconds: numberOf(field.get('periodSeconds'), 10),
    timeoutSeconds: numberOf(field.get('timeoutSeconds'), 1),
    failureThreshold: numberOf(field.get('failureThreshold'), 3),
    graceSeconds: grace.exists ? numberOf(grace) : undefined,
  };
}

/** Without a slash at its end, which makes no difference to a router. */
function pathOf({ text = '/' }: Field): string {
  const trimmed = text.replace(/\/+$/, '');
  return trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

function portOf({ text, place }: Field): Setting<string> {
  return { value: text, text, at: place };
}
