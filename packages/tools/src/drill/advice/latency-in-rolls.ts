import { duration } from '../words.js';
import { isClientLate } from './client-late.js';
import { type Detector } from './facts.js';

const atLeastRequests = 200;
const times = 3;
const moreMs = 250;

/** Nothing need be lost, and still clients notice. */
export const latencyInRolls: Detector = ({ totals }) => {
  if (isClientLate({ totals })) return undefined;
  const { duringRolls, between } = totals.latency;
  if (Math.min(duringRolls.count, between.count) < atLeastRequests) return undefined;
  if (duringRolls.p99Ms < between.p99Ms * times || duringRolls.p99Ms < between.p99Ms + moreMs) return undefined;
  return {
    advice: {
      code: 'latency-in-rolls',
      finding:
        'While a replica stopped, 99 % of requests were answered within ' +
        `${duration(duringRolls.p99Ms)}; otherwise within ${duration(between.p99Ms)}.`,
      fix:
        'Readiness may be green before a new replica is warm (connect pools, fill caches first), or ' +
        'those that stay cannot carry the load: add a replica.',
    },
    explains: [],
  };
};
