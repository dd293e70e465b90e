import { duration, listOfFailures, plural } from '../words.js';
import { type Detector, type StoppedReplica } from './facts.js';
import { afterStopping, cameLate, hasModule, isCut, lameDuckMs, phaseMs, saysReadiness } from './when.js';

/** A probe that was under way, or answered a moment before, says nothing. */
const toleranceMs = 300;

/** nestjs-drain is there, and the readiness path does not ask it. */
export const readinessNotWatched: Detector = ({ settings, failures }) => {
  if (!saysReadiness(settings.readinessPath)) return undefined;
  const explains = afterStopping(
    failures,
    (failure) =>
      isUnwatched(failure.replica) &&
      cameLate(failure) &&
      (failure.kind === 'status-503' || failure.kind === 'refused' || isCut(failure)),
  );
  if (explains.length === 0) return undefined;
  const { replica } = explains[0]!;
  const hasLameDuck = lameDuckMs(replica) > 0;
  const drainingMs = phaseMs(replica, 'draining') ?? 0;
  const bySignal = !hasLameDuck && settings.signal !== 'SIGTERM';
  const how = !hasLameDuck
    ? `nestjs-drain went without a lame duck, and refused requests from ${duration(drainingMs)} ` +
      `after ${settings.signal} on, while the balancer still sent them`
    : `${settings.readinessPath} went on answering 200 in the lame duck`;
  return {
    advice: {
      code: bySignal ? 'no-lame-duck' : 'readiness-not-watched',
      finding: `${how}: ${plural(explains.length, 'request')} failed (${listOfFailures(explains)}).`,
      fix: bySignal
        ? 'A lame duck follows SIGTERM alone unless it is asked for: give lameDuck, for instance { ' +
          `minMs: ${atLeast(replica.lagMs)}, maxMs: 10_000 }, or let the platform send SIGTERM.`
        : `Let ${settings.readinessPath} ask nestjs-drain: health.check([() => ` +
          "readiness.isReady('ready')]) with its ReadinessHealthIndicator, in a controller marked " +
          '@AllowDuringShutdown(). (If lameDuck is false, switch it on.)',
    },
    explains,
  };
};

function isUnwatched(replica: StoppedReplica): boolean {
  if (!hasModule(replica)) return false;
  const { phases, lastReadyAtMs = -Infinity } = replica;
  const lameDuck = phases.find(({ phase }) => phase === 'lame-duck');
  return !lameDuck || lameDuckMs(replica) === 0 || lastReadyAtMs > lameDuck.atMs + toleranceMs;
}

function atLeast(lagMs: number): number {
  return Math.max(5_000, Math.ceil(lagMs / 1_000) * 1_000);
}
