import { listOfFailures, plural, span } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, hasModule, sinceSignal } from './when.js';

/** The application fails by itself while it stops: what it needs has been released before its requests had ended. */
export const errorsDuringShutdown: Detector = ({ settings, failures }) => {
  const explains = afterStopping(failures, ({ kind }) => kind.startsWith('status-'));
  if (explains.length === 0) return undefined;
  const drains = explains.some(({ replica }) => hasModule(replica));
  return {
    advice: {
      code: '5xx-during-shutdown',
      finding:
        `${plural(explains.length, 'request')} got an error from a replica that was stopping ` +
        `(${listOfFailures(explains)}), ${span(explains.map(sinceSignal))} after ${settings.signal}: ` +
        'what they needed had been released, or they came after it had ceased to serve.',
      fix: drains
        ? 'Release nothing in beforeApplicationShutdown or a signal listener of your own: use ' +
          "onModuleDestroy or @OnShutdown('releasing'), which come after the last request."
        : 'Destroy pools and clients after the last request has ended, not on the signal. Nest ' +
          'destroys providers first and finishes requests afterwards; nestjs-drain turns that round.',
    },
    explains,
  };
};
