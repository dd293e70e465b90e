import { count, duration, plural } from '../words.js';
import { type Detector } from './facts.js';
import { shutdownMs } from './when.js';

const share = 0.8;

/** It was done in time, barely. */
export const slowShutdown: Detector = ({ settings, replicas }) => {
  const graceMs = settings.graceMs - settings.preStopMs;
  const slow = replicas.filter((replica) => !replica.wasKilled && shutdownMs(replica) > graceMs * share);
  if (slow.length === 0) return undefined;
  const longest = Math.max(...slow.map(shutdownMs));
  return {
    advice: {
      code: 'slow-shutdown',
      finding:
        `${count(slow.length)} of ${plural(replicas.length, 'shutdown')} took more than ` +
        `${share * 100} % of the ${duration(graceMs)} there are between ${settings.signal} and ` +
        `SIGKILL, the longest ${duration(longest)}.`,
      fix: 'Raise the grace of the platform, or shorten the shutdown: on a busy day it will be killed.',
    },
    explains: [],
  };
};
