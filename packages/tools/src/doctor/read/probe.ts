import { type Field } from './field.js';
import { type Workload } from './workload.js';

/** A probe, with Kubernetes' defaults filled in. */
export interface Probe {
  readonly field: Field;
  readonly kind: 'httpGet' | 'exec' | 'tcpSocket' | 'grpc' | 'none';
  /** What it asks, so that two that ask the same are equal. */
  readonly target: string;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  /** From the first moment of failure to the verdict, at most, ms. */
  readonly verdictMs: number;
}

const kinds = ['httpGet', 'exec', 'tcpSocket', 'grpc'] as const;

export function probeOf(workload: Workload, name: 'readinessProbe' | 'livenessProbe'): Probe | undefined {
  const field = workload.container.get(name);
  if (!field.exists) return undefined;
  const periodSeconds = field.get('periodSeconds').number ?? 10;
  const timeoutSeconds = field.get('timeoutSeconds').number ?? 1;
  const failureThreshold = field.get('failureThreshold').number ?? 3;
  const kind = kinds.find((each) => field.get(each).exists) ?? 'none';
  return {
    field,
    kind,
    target: targetOf(workload, field, kind),
    periodSeconds,
    timeoutSeconds,
    failureThreshold,
    verdictMs: (periodSeconds * failureThreshold + timeoutSeconds) * 1_000,
  };
}

/** The path that an HTTP probe asks for. */
export function pathOf({ field }: Probe): string {
  const path = field.get('httpGet', 'path').text ?? '/';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

function targetOf(workload: Workload, field: Field, kind: Probe['kind']): string {
  const asked = field.get(kind);
  const port = portNumber(workload, asked.get('port').text);
  if (kind === 'httpGet') return `${pathOf({ field } as Probe)} on ${port}`;
  if (kind === 'exec') {
    const words = asked.get('command').items();
    return words.map(({ text }) => text).join(' ');
  }
  return `${asked.get('service').text ?? ''} on ${port}`;
}

/** Ports may be asked for by the names that the container gives them. */
function portNumber({ container }: Workload, port = ''): string {
  const named = container
    .get('ports')
    .items()
    .find((each) => each.get('name').text === port);
  return named?.get('containerPort').text ?? port;
}
