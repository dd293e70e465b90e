import { duration, listOfFailures, plural } from '../words.js';
import { type Detector, type FailedRequest, type Facts } from './facts.js';

/** Shorter than this it explains no failure. */
const leastMs = 200;
/** For less of the time than this it changes no 99th percentile. */
const leastShare = 0.01;

/** The drill's own process had no time: what it measured then is not the service's. */
export const clientLate: Detector = (facts) => {
  if (!isClientLate(facts)) return undefined;
  const explains = facts.failures.filter((failure) => isOfLateClient(failure, facts));
  const cost =
    explains.length > 0 ? ` ${plural(explains.length, 'request')} failed then (${listOfFailures(explains)}).` : '';
  const { maxMs, totalMs } = facts.totals.clientLate;
  return {
    advice: {
      code: 'client-late',
      finding:
        `The drill itself came late to its work, by up to ${duration(maxMs)} and ${duration(totalMs)} in all: ` +
        `latencies of that time are its own.${cost}`,
      fix: 'Give the machine more room, or lower --rate or --replicas, and drill again before you blame the service.',
    },
    explains,
  };
};

/** Reports whether latencies may be the client's own doing. */
export function isClientLate({ totals }: Pick<Facts, 'totals'>): boolean {
  const { clientLate: late, requests, achievedRate } = totals;
  return late.maxMs >= leastMs && late.totalMs * achievedRate >= requests * 1_000 * leastShare;
}

/**
 * Reports whether a request failed because the drill was late: it was away for most of the time that an answer was given,
 * or its balancer, had it been on time, would not have sent the request where nobody listened any more.
 */
export function isOfLateClient(failure: FailedRequest, { stalls }: Pick<Facts, 'stalls'>): boolean {
  const { kind, sentAtMs, endedAtMs, replica } = failure;
  if (kind === 'timed-out') return awayMs(stalls, sentAtMs, endedAtMs) > (endedAtMs - sentAtMs) / 2;
  if (kind !== 'refused' || replica?.unreadyAtMs === undefined) return false;
  const { signalledAtMs, outOfRotationAtMs = endedAtMs } = replica;
  return sentAtMs > outOfRotationAtMs - awayMs(stalls, signalledAtMs, outOfRotationAtMs);
}

function awayMs(stalls: Facts['stalls'], from: number, to: number): number {
  return stalls.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, to) - Math.max(fromMs, from)), 0);
}
