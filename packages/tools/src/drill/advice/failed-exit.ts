import { count, plural } from '../words.js';
import { type Detector } from './facts.js';

/** It stopped when it was told to, and said that something had gone wrong. */
export const failedExit: Detector = ({ settings, replicas }) => {
  const failing = replicas.filter(({ diedAlone, exitCode }) => !diedAlone && exitCode !== null && exitCode !== 0);
  if (failing.length === 0) return undefined;
  const codes = [...new Set(failing.map(({ exitCode }) => exitCode))].join(', ');
  return {
    advice: {
      code: 'failed-exit',
      finding:
        `${count(failing.length)} of ${plural(replicas.length, 'replica')} exited with ${codes} on ` +
        `${settings.signal}, as a process does that has failed.`,
      fix:
        'Look at the end of their output: an error in the shutdown, or a timeout of it. A platform shows such a ' +
        'stop as an error.',
    },
    explains: [],
  };
};
