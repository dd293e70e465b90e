import { count, duration, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';
import { isUnreached } from './npm-as-pid-1.js';
import { afterStopping, isUnseen, shutdownMs } from './when.js';

/** The process that was sent the signal is the one that listens, and never came to its listeners. */
export const signalUnseen: Detector = ({ settings: { signal }, replicas, failures }) => {
  const isBlind = (replica: StoppedReplica): boolean => isUnseen(replica, signal) && !isUnreached(replica, signal);
  const blind = replicas.filter(isBlind);
  if (blind.length === 0) return undefined;
  const explains = afterStopping(failures, ({ replica }) => isBlind(replica));
  const cost =
    explains.length > 0 ? ` ${plural(explains.length, 'request')} failed (${listOfFailures(explains)}).` : '';
  return {
    advice: {
      code: 'signal-unseen',
      finding:
        `${count(blind.length)} of ${plural(replicas.length, 'replica')} never came to the listeners for ` +
        `${signal}, for up to ${duration(Math.max(...blind.map(shutdownMs)))}: the event loop was blocked.${cost}`,
      fix: 'Move what computes for long into a worker thread, or cut it into pieces.',
    },
    explains,
  };
};
