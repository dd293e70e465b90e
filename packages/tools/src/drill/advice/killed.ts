import { count, duration, listOfFailures, plural } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, hasModule, isUnseen } from './when.js';

/** What comes up to this long before the exit was cut by SIGKILL. */
const beforeExitMs = 100;

/** It outlived its grace. */
export const killed: Detector = ({ settings, replicas, failures }) => {
  const victims = replicas.filter((replica) => replica.wasKilled && !isUnseen(replica, settings.signal));
  if (victims.length === 0) return undefined;
  const explains = afterStopping(
    failures,
    ({ replica, endedAtMs }) => victims.includes(replica) && endedAtMs >= replica.exitedAtMs - beforeExitMs,
  );
  const cost =
    explains.length > 0 ? `; ${plural(explains.length, 'request')} failed then (${listOfFailures(explains)})` : '';
  const last = victims[0]!.phases.at(-1)?.phase;
  const where = last ? ` nestjs-drain had come to "${last}".` : '';
  return {
    advice: {
      code: 'killed',
      finding:
        `${count(victims.length)} of ${plural(replicas.length, 'replica')} still ran at the end of ` +
        `the grace of ${duration(settings.graceMs)} and had to be ended with SIGKILL${cost}.${where}`,
      fix: victims.some(hasModule)
        ? 'Let the phases fit the grace: set gracePeriodMs to ' +
          `${settings.graceMs - settings.preStopMs}, and lower lameDuck.maxMs, drainTimeoutMs or ` +
          'hookTimeoutMs.'
        : 'Find what keeps the process: kept connections that server.close() waits for, an open pool, ' +
          'a timer, a signal handler that never exits. Bound the whole with a timeout below the grace.',
    },
    explains,
  };
};
