import { count, plural } from '../words.js';
import { type Detector } from './facts.js';

/** A daemon it had started went on when it had exited. */
export const leftGroup: Detector = ({ replicas }) => {
  const leaving = replicas.filter(({ stragglers }) => stragglers.length > 0);
  if (leaving.length === 0) return undefined;
  const names = [...new Set(leaving.flatMap(({ stragglers }) => stragglers))];
  return {
    advice: {
      code: 'left-group',
      finding:
        `${count(leaving.length)} of ${plural(replicas.length, 'replica')} left processes running that had gone into ` +
        `a process group of their own: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}. They were ended.`,
      fix: 'Start nothing detached, or end it in the shutdown: the end of a container kills it without a word.',
    },
    explains: [],
  };
};
