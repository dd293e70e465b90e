import { basename } from 'node:path';
import { count, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';
import { afterStopping, isUnseen } from './when.js';

/**
 * The signal goes to what was started (npm, a shell), and the process that listens, which would handle it, is never
 * told.
 */
export const npmAsPid1: Detector = ({ settings, replicas, failures }) => {
  const unreached = replicas.filter((replica) => isUnreached(replica, settings.signal));
  if (unreached.length === 0) return undefined;
  const explains = afterStopping(failures, ({ replica }) => isUnreached(replica, settings.signal));
  const wrapper = basename(settings.command[0] ?? '');
  const cost =
    explains.length > 0 ? ` ${plural(explains.length, 'request')} failed (${listOfFailures(explains)}).` : '';
  return {
    advice: {
      code: 'npm-as-pid-1',
      finding:
        `${settings.signal} went to ${wrapper}, which did not pass it on: the Node process that ` +
        `listens is its child, handles ${settings.signal}, and was ended without having seen it in ` +
        `${count(unreached.length)} of ${plural(replicas.length, 'shutdown')}.${cost}`,
      fix:
        'Start Node itself, as the first process of the container: CMD ["node", "dist/main.js"], or ' +
        `exec node in the script; not ${settings.command.slice(0, 3).join(' ')}.`,
    },
    explains,
  };
};

/** Reports whether the process that listens never saw the signal because it is not the one that was sent it. */
export function isUnreached(replica: StoppedReplica, signal: string): boolean {
  return isUnseen(replica, signal) && replica.listener?.pid !== replica.pid;
}
