import { count, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';

/** Nobody had stopped it: a crash. */
export const diedAlone: Detector = ({ replicas, failures }) => {
  const dead = replicas.filter((replica) => replica.diedAlone);
  if (dead.length === 0) return undefined;
  const first = Math.min(...dead.map(({ exitedAtMs }) => exitedAtMs));
  // With nobody left behind the balancer, nobody is named.
  const explains = failures.filter(({ replica, kind, endedAtMs }) =>
    replica ? dead.includes(replica) : kind === 'refused' && endedAtMs >= first,
  );
  const cost =
    explains.length > 0 ? ` ${plural(explains.length, 'request')} failed by it (${listOfFailures(explains)}).` : '';
  return {
    advice: {
      code: 'died-alone',
      finding:
        `${count(dead.length)} of ${plural(replicas.length, 'replica')} ended by themselves, while nobody had ` +
        `stopped them: ${dead.map(endOf).join(', ')}.${cost}`,
      fix: 'This is a crash, and no matter of shutdown: the end of what they printed says why.',
    },
    explains,
  };
};

function endOf({ name, exitCode, exitSignal }: StoppedReplica): string {
  return `${name} with ${exitSignal ?? `exit code ${exitCode ?? 'unknown'}`}`;
}
