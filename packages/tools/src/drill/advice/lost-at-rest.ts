import { listOfFailures, plural } from '../words.js';
import { type Detector } from './facts.js';

/** What is left has nothing to do with a shutdown. */
export const lostAtRest: Detector = ({ failures }) => {
  if (failures.length === 0) return undefined;
  const raced = failures.filter(({ kind, reusedConnection }) => kind === 'reset' && reusedConnection).length;
  return {
    advice: {
      code: 'lost-at-rest',
      finding:
        `${plural(failures.length, 'request')} failed, and no shutdown explains it ` + `(${listOfFailures(failures)}).`,
      fix:
        raced * 2 > failures.length
          ? 'These are kept connections that the server closed when they were idle: set ' +
            'server.keepAliveTimeout above what clients and balancers keep them for.'
          : 'Look for the fault in the application itself, or lower --rate: the service may not be able ' +
            'to answer so many.',
    },
    explains: failures,
  };
};
