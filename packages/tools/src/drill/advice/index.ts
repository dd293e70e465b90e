import { type Advice } from '../result.js';
import { clientLate } from './client-late.js';
import { diedAlone } from './died-alone.js';
import { drainTooShort } from './drain-too-short.js';
import { errorsDuringShutdown } from './errors-during-shutdown.js';
import { type Detector, type Diagnosis, type FailedRequest, type Facts } from './facts.js';
import { failedExit } from './failed-exit.js';
import { inFlightCut } from './in-flight-cut.js';
import { keepAliveCut } from './keep-alive-cut.js';
import { killed } from './killed.js';
import { latencyInRolls } from './latency-in-rolls.js';
import { leftGroup } from './left-group.js';
import { listenerClosed } from './listener-closed.js';
import { lostAtRest } from './lost-at-rest.js';
import { noSignalHandler } from './no-signal-handler.js';
import { npmAsPid1 } from './npm-as-pid-1.js';
import { readinessFlaps } from './readiness-flaps.js';
import { readinessNeverFails } from './readiness-never-fails.js';
import { readinessNotWatched } from './readiness-not-watched.js';
import { refusedWhileRouted } from './refused-while-routed.js';
import { signalUnseen } from './signal-unseen.js';
import { slowShutdown } from './slow-shutdown.js';

/** From the most particular fault to the most general: each sees the failures that none before it has explained. */
const detectors: readonly Detector[] = [
  clientLate,
  diedAlone,
  npmAsPid1,
  signalUnseen,
  noSignalHandler,
  killed,
  readinessNotWatched,
  drainTooShort,
  readinessNeverFails,
  listenerClosed,
  refusedWhileRouted,
  errorsDuringShutdown,
  keepAliveCut,
  inFlightCut,
  lostAtRest,
  failedExit,
  leftGroup,
  readinessFlaps,
  slowShutdown,
  latencyInRolls,
];

/**
 * What to change, the fault that cost most first. Every failed request is in the figures of one piece of advice, and of
 * no other.
 */
export function adviceOf(facts: Facts): Advice[] {
  const found: Diagnosis[] = [];
  let failures: readonly FailedRequest[] = facts.failures;
  for (const detect of detectors) {
    const diagnosis = detect({ ...facts, failures });
    if (!diagnosis) continue;
    found.push(diagnosis);
    const explained = new Set(diagnosis.explains);
    failures = failures.filter((failure) => !explained.has(failure));
  }
  return found.sort((a, b) => b.explains.length - a.explains.length).map(({ advice }) => advice);
}
