import { type Leftover } from './drainable.js';
import { type ShutdownPhase } from './phase.js';
import { type ShutdownReport } from './report.js';
import { seconds } from './seconds.js';

/** What the advice is drawn from. */
export interface AdviceFacts extends Pick<
  ShutdownReport,
  'outcome' | 'endedBy' | 'phases' | 'refused' | 'afterUnready' | 'hooks'
> {
  /** What was cut, or had not ended at the drain deadline; failures apart. */
  readonly leftovers: readonly Leftover[];
  /** Handlers that went on when their clients had gone, and had not ended. */
  readonly abandoned: readonly Leftover[];
  /** The phase in which a second signal or the hard stop came, if one did. */
  readonly interruptedIn?: ShutdownPhase;
}

/** What to change after such a shutdown, in words. Empty when there is nothing to say. */
export function adviceOn(facts: AdviceFacts): string[] {
  return [...onTraffic(facts), ...onDrain(facts), ...onAbandoned(facts), ...onHooks(facts), ...onHardStop(facts)];
}

function* onTraffic({ afterUnready: { lastMs }, phases, refused }: AdviceFacts): Iterable<string> {
  const lameDuckMs = msOf(phases, 'lame-duck');
  if (lastMs !== undefined && lastMs > lameDuckMs) {
    const arrived = `Requests still arrived ${seconds(lastMs)} after readiness failed, on new connections`;
    const reason =
      lameDuckMs > 0
        ? `or lameDuck.maxMs is too short (the lame duck took ${seconds(lameDuckMs)}).`
        : 'and lame duck is off.';
    yield `${arrived}: the balancer may not watch it, ${reason}`;
  } else if (refused > 0) {
    yield (
      `${refused} late request(s) were refused: traffic had not left when draining began, ` +
      `${seconds(lameDuckMs)} after readiness failed. Let the balancer watch readiness, or lengthen lameDuck.minMs.`
    );
  }
}

function* onDrain({ outcome, leftovers, phases }: AdviceFacts): Iterable<string> {
  if (outcome !== 'timed-out') return;
  const names = [...new Set(leftovers.map((each) => `${each.kind} ${each.name}`))].slice(0, 3);
  if (names.length === 0) return;
  yield (
    `The drain deadline passed after ${seconds(msOf(phases, 'draining'))} with work left (${names.join(', ')}): ` +
    'raise drainTimeoutMs, or end that work when GracefulShutdown.abortSignal fires.'
  );
}

function* onAbandoned({ abandoned }: AdviceFacts): Iterable<string> {
  if (abandoned.length === 0) return;
  const names = abandoned.slice(0, 3).map(({ name }) => name);
  yield (
    `Handlers went on when their clients had gone, and did not end (${names.join(', ')}): ` +
    "end them when the client leaves, by req.on('close'), or by an AbortSignal that fires there."
  );
}

function* onHooks({ hooks, endedBy }: AdviceFacts): Iterable<string> {
  // A hook that was given up for a second signal may have had time left.
  if (endedBy === 'second-signal') return;
  for (const hook of hooks) {
    if (hook.outcome !== 'timed-out') continue;
    yield (
      `The hook ${hook.name} did not settle within ${seconds(hook.ms)}: ` +
      'raise its timeoutMs, or let it stop when its deadline aborts.'
    );
  }
}

function* onHardStop({ endedBy, interruptedIn }: AdviceFacts): Iterable<string> {
  if (endedBy !== 'hard-stop') return;
  if (interruptedIn === 'releasing') {
    yield (
      "Nest's own destroy hooks, or those of a provider, did not end before the hard stop: " +
      'look at the resources left over.'
    );
  } else {
    yield (
      `The hard stop came during '${interruptedIn}': ` +
      'gracePeriodMs is too short for lameDuck, drainTimeoutMs and the hooks together.'
    );
  }
}

function msOf(phases: AdviceFacts['phases'], phase: ShutdownPhase): number {
  return phases.find((each) => each.phase === phase)?.ms ?? 0;
}
