import { type Update } from '../model.js';
import { type Field } from './field.js';
import { countOf } from './setting.js';

/** How Kubernetes rounds a percentage of the replicas, and what each kind has where nothing is said. */
interface Rolling {
  /** Where the numbers are. */
  readonly at: Field;
  readonly unavailable: { readonly otherwise: string; readonly round: (count: number) => number };
  /** Left out where the kind starts no successor beside the one that it replaces. */
  readonly surge?: { readonly otherwise: string };
  readonly fix: (replicas: number) => string;
}

/** How a kind of Kubernetes' replaces its pods; `undefined` for those that do not. */
export function updateOf(kind: string, spec: Field): Update | undefined {
  switch (kind) {
    case 'Deployment':
      return isRecreate(spec) ? recreate(spec) : rolling(withSurge(spec.get('strategy', 'rollingUpdate')));
    case 'DeploymentConfig':
      if (spec.get('strategy', 'type').text === 'Custom') return undefined;
      return isRecreate(spec) ? recreate(spec) : rolling(withSurge(spec.get('strategy', 'rollingParams')));
    case 'Rollout':
      return spec.get('strategy', 'blueGreen').exists ? undefined : rolling(withSurge(spec.get('strategy', 'canary')));
    case 'StatefulSet':
      return ofStatefulSet(spec);
    case 'DaemonSet':
      return ofDaemonSet(spec);
    default:
      return undefined;
  }
}

function isRecreate(spec: Field): boolean {
  return spec.get('strategy', 'type').text === 'Recreate';
}

function recreate(spec: Field): Update {
  const { place: at } = spec.get('strategy', 'type');
  const fix = () => 'Set type: RollingUpdate with maxUnavailable: 0 and maxSurge: 1';
  return { at, text: 'Recreate', isGiven: true, taken: (replicas) => replicas, fix, isRecreate: true };
}

function withSurge(at: Field): Rolling {
  return {
    at,
    unavailable: { otherwise: '25%', round: Math.floor },
    surge: { otherwise: '25%' },
    fix: () => 'Set maxUnavailable: 0 and maxSurge: 1',
  };
}

/** One pod after the other, each stopped before its successor starts. */
function ofStatefulSet(spec: Field): Update | undefined {
  if (spec.get('updateStrategy', 'type').text === 'OnDelete') return undefined;
  const at = spec.get('updateStrategy', 'rollingUpdate');
  const given = at.get('maxUnavailable');
  return rolling({
    at,
    unavailable: { otherwise: '1', round: Math.ceil },
    fix: (replicas) => {
      const one = given.exists && given.text !== '1' ? 'maxUnavailable: 1' : '';
      if (replicas > 1) return `Set ${one}`;
      return `Set replicas: 2${one && ` and ${one}`} (a StatefulSet has no maxSurge)`;
    },
  });
}

function ofDaemonSet(spec: Field): Update | undefined {
  if (spec.get('updateStrategy', 'type').text === 'OnDelete') return undefined;
  const at = spec.get('updateStrategy', 'rollingUpdate');
  return rolling({
    at,
    unavailable: { otherwise: '1', round: Math.ceil },
    surge: { otherwise: '0' },
    fix: () => 'Set maxUnavailable: 1',
  });
}

function rolling({ at, unavailable, surge, fix }: Rolling): Update {
  const [most, more] = [at.get('maxUnavailable'), at.get('maxSurge')];
  const taken = (replicas: number) => {
    const down = countOf(most.exists ? most.text : unavailable.otherwise, replicas, unavailable.round);
    if (!surge || down === undefined || down > 0) return down;
    const up = countOf(more.exists ? more.text : surge.otherwise, replicas, Math.ceil);
    // Both cannot be 0: Kubernetes takes one pod then.
    return up === 0 ? 1 : up && 0;
  };
  const said = [most, more].filter(({ exists }) => exists);
  const names = said.map((field) => `${field === most ? 'maxUnavailable' : 'maxSurge'}: ${field.text}`);
  const text = names.length > 0 ? names.join(' with ') : `maxUnavailable: ${unavailable.otherwise}, the default,`;
  return { at: (said[0] ?? at).place, text, isGiven: said.length > 0, taken, fix, isRecreate: false };
}
