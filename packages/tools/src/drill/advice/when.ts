import { type FailedRequest, type StoppedReplica } from './facts.js';

/** The phase is gone through in any case; this short, it was none. */
const noLameDuckMs = 50;

/** A failed request whose replica was stopped at some time. */
export type FailedAtReplica = FailedRequest & { readonly replica: StoppedReplica };

/** Failed requests of replicas that were being stopped, or had been, when they failed. */
export function afterStopping(
  failures: readonly FailedRequest[],
  test: (failure: FailedAtReplica) => boolean = () => true,
): FailedAtReplica[] {
  return failures.filter(
    (failure): failure is FailedAtReplica =>
      failure.replica !== undefined &&
      failure.endedAtMs >= failure.replica.stoppingAtMs &&
      test(failure as FailedAtReplica),
  );
}

/** Reports whether it was sent while new connections still went to its replica. */
export function isRouted({ sentAtMs, replica: { outOfRotationAtMs = Infinity } }: FailedAtReplica): boolean {
  return sentAtMs <= outOfRotationAtMs;
}

/** Reports whether it had been sent before its replica was told to stop. */
export function wasInFlight({ sentAtMs, replica }: FailedAtReplica): boolean {
  return sentAtMs < replica.signalledAtMs;
}

/**
 * Reports whether it came to a replica that was being stopped already: one that was refused did, whenever it was sent.
 */
export function cameLate({ kind, sentAtMs, replica }: FailedAtReplica): boolean {
  return kind === 'refused' || sentAtMs >= replica.stoppingAtMs;
}

/** Reports whether its connection was cut under it. */
export function isCut({ kind }: FailedRequest): boolean {
  return kind === 'reset' || kind === 'cut-short';
}

export function sinceSignal({ endedAtMs, replica }: FailedAtReplica): number {
  return Math.max(0, endedAtMs - replica.signalledAtMs);
}

export function shutdownMs({ signalledAtMs, exitedAtMs }: StoppedReplica): number {
  return exitedAtMs - signalledAtMs;
}

/**
 * Reports whether the process that listens has a listener for the signal, which was sent to that process or to one
 * above it, and was never called.
 */
export function isUnseen(replica: StoppedReplica, signal: string): boolean {
  const { listener, listenerExited, signalsSeen, diedAlone } = replica;
  if (!listener || listenerExited || diedAlone || signalsSeen.includes(signal) || hasModule(replica)) return false;
  return (listener.signalListeners[signal] ?? 0) > 0;
}

/** Reports whether nestjs-drain has told of its phases. */
export function hasModule({ phases }: StoppedReplica): boolean {
  return phases.length > 0;
}

/** When it entered a phase of nestjs-drain, after its signal. */
export function phaseMs({ phases, signalledAtMs }: StoppedReplica, phase: string): number | undefined {
  const entered = phases.find((each) => each.phase === phase);
  return entered && Math.max(0, entered.atMs - signalledAtMs);
}

/** How long it served on before it refused anything: 0 where nestjs-drain went without a lame duck. */
export function lameDuckMs(replica: StoppedReplica): number {
  const begun = phaseMs(replica, 'lame-duck');
  const ended = phaseMs(replica, 'draining') ?? replica.exitedAtMs - replica.signalledAtMs;
  return begun === undefined || ended - begun < noLameDuckMs ? 0 : ended - begun;
}

/** How its report of nestjs-drain ended; `undefined` when there is none. */
export function outcomeOf({ report }: StoppedReplica): string | undefined {
  const outcome = (report as { outcome?: unknown } | undefined)?.outcome;
  return typeof outcome === 'string' ? outcome : undefined;
}

/** Reports whether readiness is something that the application says: an open port and a printed line are not. */
export function saysReadiness(readinessPath: string): boolean {
  return !readinessPath.startsWith('tcp:') && !readinessPath.startsWith('output:');
}
