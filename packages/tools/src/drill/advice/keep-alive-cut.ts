import { plural, span } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, sinceSignal, wasInFlight } from './when.js';

/** A kept connection was closed just when its next request came, since its client had never been told to leave. */
export const keepAliveCut: Detector = ({ settings, failures }) => {
  const explains = afterStopping(
    failures,
    (failure) => failure.kind === 'reset' && failure.reusedConnection && !wasInFlight(failure),
  );
  if (explains.length === 0) return undefined;
  return {
    advice: {
      code: 'keep-alive-cut',
      finding:
        `${plural(explains.length, 'request')} sent on kept connections after ${settings.signal} ` +
        `${explains.length === 1 ? 'was' : 'were'} reset, ${span(explains.map(sinceSignal))} after ` +
        'it: the connections were closed without a word to their clients.',
      fix:
        `After ${settings.signal}, answer with "Connection: close", so that clients leave by ` +
        'themselves, and close a connection only when that has been said or it has been idle for a ' +
        'while.',
    },
    explains,
  };
};
