import { medianOf } from '../quantiles.js';
import { duration, listOfFailures, plural } from '../words.js';
import { type Detector, type FailedRequest } from './facts.js';
import { afterStopping, hasModule, isCut, outcomeOf, sinceSignal, type FailedAtReplica } from './when.js';

/** A cut this soon after the signal was no timeout. */
const timeoutAtLeastMs = 200;
/** Cuts by one timeout are this close to each other, as a share of it, or in ms. */
const spreadShare = 0.15;
const spreadMs = 150;
/** A request that takes this long is one to wait for. */
const longMs = 100;

/** Requests in flight were cut by a timeout of the application's own. */
export const drainTooShort: Detector = (facts) => byReport(facts) ?? byOffset(facts);

/** nestjs-drain says so itself. */
const byReport: Detector = ({ failures }) => {
  const explains = afterStopping(
    failures,
    (failure) => outcomeOf(failure.replica) === 'timed-out' && (isCut(failure) || failure.kind === 'timed-out'),
  );
  if (explains.length === 0) return undefined;
  const left = [...new Set(explains.map(({ replica }) => replica))].flatMap(({ report }) => leftoversOf(report));
  const named = left.length > 0 ? `, and its reports name ${plural(left.length, 'leftover')} (${sample(left)})` : '';
  return {
    advice: {
      code: 'drain-too-short',
      finding:
        'nestjs-drain cut work that had not ended at the drain deadline: ' +
        `${plural(explains.length, 'request')} failed (${listOfFailures(explains)}) ` +
        `${at(explains)}${named}.`,
      fix: `Raise drainTimeoutMs above the slowest request${slowest(explains)}, and the platform's grace with it.`,
    },
    explains,
  };
};

/** Cuts that come at one time after each signal, and not at once. */
const byOffset: Detector = ({ settings, failures }) => {
  const cut = afterStopping(
    failures,
    (failure) =>
      !hasModule(failure.replica) &&
      isCut(failure) &&
      !failure.replica.wasKilled &&
      sinceSignal(failure) >= timeoutAtLeastMs,
  );
  // What takes no time is cut by chance; what was waited for tells when the waiting ended.
  const waitedFor = cut.filter(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs >= longMs).map(sinceSignal);
  if (waitedFor.length < 2) return undefined;
  const middle = medianOf(waitedFor);
  const explains = cut.filter(
    (failure) => Math.abs(sinceSignal(failure) - middle) <= Math.max(spreadMs, middle * spreadShare),
  );
  if (explains.length < cut.length * 0.8) return undefined;
  return {
    advice: {
      code: 'drain-too-short',
      finding:
        `${plural(explains.length, 'request')} in progress ${explains.length === 1 ? 'was' : 'were'} ` +
        `cut ${at(explains)}, always at the same time after ${settings.signal}: that is a timeout of ` +
        "the application's own shutdown.",
      fix:
        `Raise that timeout (about ${duration(middle)}) above the slowest request, below the grace ` +
        `of ${duration(settings.graceMs)}.`,
    },
    explains,
  };
};

function at(failures: readonly FailedAtReplica[]): string {
  const offsets = failures.map(sinceSignal);
  return `${duration(Math.min(...offsets))} to ${duration(Math.max(...offsets))} after the signal`;
}

function slowest(failures: readonly FailedRequest[]): string {
  const names = [...new Set(failures.map(({ request }) => request))];
  return ` (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
}

function leftoversOf(report: unknown): string[] {
  const { leftovers } = report as { leftovers?: readonly { kind?: string; name?: string }[] };
  return Array.isArray(leftovers) ? leftovers.map(({ kind = '', name = '' }) => `${kind} ${name}`.trim()) : [];
}

function sample(names: readonly string[]): string {
  const different = [...new Set(names)];
  return `${different.slice(0, 3).join(', ')}${different.length > 3 ? ', …' : ''}`;
}
