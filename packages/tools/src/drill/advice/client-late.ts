import { duration, listOfFailures, plural } from '../words.js';
import { type Detector, type FailedRequest, type Facts } from './facts.js';

/** Shorter than this it explains no failure. */
const leastMs = 200;
/** For less of the time than this it changes no 99th percentile. */
const leastShare = 0.01;

/** The drill's own process had no time: what it measured then is not the service's. */
export const clientLate: Detector = (facts) => {
  if (!isClientLate(facts)) return undefined;
  const explains = facts.failures.filter((failure) => failure.kind === 'timed-out' && isOwn(failure, facts));
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

/** Reports whether the client was away for most of the time that the request was given. */
function isOwn({ sentAtMs, endedAtMs }: FailedRequest, { stalls }: Facts): boolean {
  const away = stalls.reduce(
    (sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, endedAtMs) - Math.max(fromMs, sentAtMs)),
    0,
  );
  return away > (endedAtMs - sentAtMs) / 2;
}
