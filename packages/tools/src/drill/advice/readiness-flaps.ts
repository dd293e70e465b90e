import { count, plural } from '../words.js';
import { type Detector } from './facts.js';

/** Readiness failed and came back although nobody stopped the replica. */
export const readinessFlaps: Detector = ({ settings, replicas }) => {
  const flapping = replicas.filter(({ flaps }) => flaps > 0);
  if (flapping.length === 0) return undefined;
  const changes = flapping.reduce((sum, { flaps }) => sum + flaps, 0);
  return {
    advice: {
      code: 'readiness-flaps',
      finding:
        `${settings.readinessPath} changed its mind ${plural(changes, 'time')} in ${count(flapping.length)} of ` +
        `${plural(replicas.length, 'replica')} while nobody stopped them: each time the balancer leaves and comes back.`,
      fix:
        'Let readiness depend on what this process needs to serve, not on others that may be slow for a moment; a ' +
        'higher failureThreshold of the probe hides it.',
    },
    explains: [],
  };
};
