import { count, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';
import { afterStopping, shutdownMs } from './when.js';

/** Where nothing could be observed from inside, only a death this sudden is certain to be Node's own. */
const suddenMs = 100;
const soonMs = 1_000;

/** Nothing listens for the signal: the process dies in the middle of everything. */
export const noSignalHandler: Detector = ({ settings, replicas, failures }) => {
  const { signal } = settings;
  const deaf = replicas.filter((replica) => hasNoHandler(replica, signal));
  if (deaf.length === 0) return undefined;
  const explains = afterStopping(failures, ({ replica }) => hasNoHandler(replica, signal));
  const cost =
    explains.length > 0 ? `; ${plural(explains.length, 'request')} failed (${listOfFailures(explains)})` : '';
  return {
    advice: {
      code: 'no-signal-handler',
      finding:
        `Nothing in the application listens for ${signal}: ${count(deaf.length)} of ` +
        `${plural(replicas.length, 'replica')} died of it at once${cost}. As the first process of a ` +
        `container it would ignore ${signal}, and be killed after the grace.`,
      fix:
        `On ${signal}, fail readiness, serve on until the balancer has left, finish what is in ` +
        'flight, then exit. In Nest, call app.enableShutdownHooks() and import ' +
        'GracefulShutdownModule of nestjs-drain, which does these in that order.',
    },
    explains,
  };
};

export function hasNoHandler(replica: StoppedReplica, signal: string): boolean {
  const { listener, exitSignal, wasKilled, signalsSeen } = replica;
  // A handler that listens once is no longer counted when it has been called.
  if (wasKilled || signalsSeen.includes(signal)) return false;
  // A busy machine takes its time to end a process, and the drill to notice.
  const diedOfIt = exitSignal === signal || shutdownMs(replica) < soonMs;
  if (listener) return listener.signalListeners[signal] === 0 && diedOfIt;
  return exitSignal === signal && shutdownMs(replica) < suddenMs;
}
