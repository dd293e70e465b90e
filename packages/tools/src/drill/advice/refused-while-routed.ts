import { duration, plural, span } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, hasModule, isRouted, phaseMs, sinceSignal } from './when.js';

/**
 * It answers 503 while the balancer still sends requests, or clients do that were not told to leave: a lame duck
 * shorter than the lag.
 */
export const refusedWhileRouted: Detector = ({ settings, failures }) => {
  const explains = afterStopping(failures, ({ kind }) => kind === 'status-503');
  if (explains.length === 0) return undefined;
  const { replica } = explains.reduce((longest, each) => (each.replica.lagMs > longest.replica.lagMs ? each : longest));
  const first = Math.min(...explains.map(sinceSignal));
  const servedMs = phaseMs(replica, 'draining') ?? first;
  const kept = explains.filter((failure) => !isRouted(failure)).length;
  const afterwards =
    kept > 0 ? `, ${kept === explains.length ? 'all' : kept} of them on kept connections after that` : '';
  return {
    advice: {
      code: '503-while-routed',
      finding:
        `The application answered 503 from ${duration(first)} after ${settings.signal} on, while ` +
        `requests still came: ${plural(explains.length, 'request')} failed ` +
        `(${span(explains.map(sinceSignal))} after the signal). It served on for ` +
        `${duration(servedMs)}, and the balancer took ${duration(replica.lagMs)} to leave ` +
        `it${afterwards}.`,
      fix: hasModule(replica)
        ? `Raise lameDuck.minMs above ${duration(replica.lagMs)}, the time traffic takes to leave.`
        : 'Refuse nothing before traffic has left: answer requests as usual, with "Connection: close", ' +
          `for longer than ${duration(replica.lagMs)} after ${settings.signal}; only readiness fails ` +
          'at once.',
    },
    explains,
  };
};
