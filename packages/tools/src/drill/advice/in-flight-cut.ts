import { listOfFailures, plural, span } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, isCut, sinceSignal } from './when.js';

/** Work had been accepted and was not finished. */
export const inFlightCut: Detector = ({ settings, failures }) => {
  const explains = afterStopping(failures, (failure) => isCut(failure) || failure.kind === 'timed-out');
  if (explains.length === 0) return undefined;
  return {
    advice: {
      code: 'in-flight-cut',
      finding:
        `${plural(explains.length, 'request')} in progress ${explains.length === 1 ? 'was' : 'were'} ` +
        `not finished (${listOfFailures(explains)}), ${span(explains.map(sinceSignal))} after ` +
        `${settings.signal}.`,
      fix:
        'Let the process live until every request it has accepted has been answered: no ' +
        'process.exit() in a signal listener, no destroyed sockets, and a wait for work in flight.',
    },
    explains,
  };
};
