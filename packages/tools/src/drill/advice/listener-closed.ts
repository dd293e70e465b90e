import { duration, listOfFailures, plural, span } from '../words.js';
import { type Detector } from './facts.js';
import { afterStopping, cameLate, hasModule, isRouted, sinceSignal } from './when.js';

/** New connections still came, and nobody took them. */
export const listenerClosed: Detector = ({ settings, failures }) => {
  const explains = afterStopping(
    failures,
    (failure) =>
      failure.kind === 'refused' ||
      (failure.kind === 'reset' && !failure.reusedConnection && cameLate(failure) && isRouted(failure)),
  );
  if (explains.length === 0) return undefined;
  const longestLagMs = Math.max(...explains.map(({ replica }) => replica.lagMs));
  const first = Math.min(...explains.map(sinceSignal));
  return {
    advice: {
      code: 'listener-closed-before-traffic-left',
      finding:
        `New connections were no longer served from ${duration(first)} after ${settings.signal} on, ` +
        `while the balancer sent them for up to ${duration(longestLagMs)} and a probe's time: ` +
        `${plural(explains.length, 'request')} failed (${listOfFailures(explains)}, ` +
        `${span(explains.map(sinceSignal))} after the signal).`,
      fix: explains.some(({ replica }) => hasModule(replica))
        ? `Raise lameDuck.minMs above the time traffic takes to leave (${duration(longestLagMs)} here).`
        : `Keep the listener open after ${settings.signal}, with readiness failing, for longer than ` +
          `traffic takes to leave (${duration(longestLagMs)} here; 5 s is usual), and close it only ` +
          'then. The lame duck of nestjs-drain is this.',
    },
    explains,
  };
};
