import { duration, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';
import { afterStopping, cameLate, hasModule, isCut, isRouted, saysReadiness } from './when.js';

/** It must have been able to answer: several probes long. */
const servedMs = 300;

/** Readiness alone takes a replica out, and stays green to the end. */
export const readinessNeverFails: Detector = ({ settings, deregisters, failures }) => {
  if (deregisters || !saysReadiness(settings.readinessPath)) return undefined;
  const explains = afterStopping(
    failures,
    (failure) =>
      stayedReady(failure.replica) &&
      isRouted(failure) &&
      cameLate(failure) &&
      (failure.kind === 'refused' || failure.kind.startsWith('status-5') || isCut(failure)),
  );
  if (explains.length === 0) return undefined;
  const { lastReadyAtMs = 0, signalledAtMs } = explains[0]!.replica;
  return {
    advice: {
      code: 'readiness-never-fails',
      finding:
        `${settings.readinessPath} still answered 200 ${duration(lastReadyAtMs - signalledAtMs)} ` +
        `after ${settings.signal} and never failed before nothing answered any more: the balancer ` +
        `went on sending connections, and ${plural(explains.length, 'request')} failed ` +
        `(${listOfFailures(explains)}).`,
      fix:
        `Answer 503 at ${settings.readinessPath} from ${settings.signal} on, and serve everything ` +
        'else until the balancer has left.',
    },
    explains,
  };
};

function stayedReady(replica: StoppedReplica): boolean {
  const { lastReadyAtMs = -Infinity, signalledAtMs, unreadyStatus } = replica;
  return !hasModule(replica) && unreadyStatus === undefined && lastReadyAtMs >= signalledAtMs + servedMs;
}
