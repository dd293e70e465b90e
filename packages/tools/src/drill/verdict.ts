import {
  type Conclusion,
  type Interruption,
  type ReplicaTimeline,
  type Roll,
  type Thresholds,
  type Totals,
} from './result.js';
import { count, duration, listOfKinds, percent, plural } from './words.js';

/** With fewer requests in a roll, a loss of one in a hundred may well go unseen. */
const leastRequests = 200;

export interface VerdictFacts {
  readonly totals: Totals;
  readonly thresholds: Thresholds;
  readonly shutdowns: number;
  readonly rolls: readonly Roll[];
  readonly partial?: Interruption;
  /** How many requests failed because the drill itself was late. @default 0 */
  readonly ofLateClient?: number;
  /** What is rolled is a group of processes, which are seen from inside. */
  readonly isGroup?: boolean;
}

export interface Verdict {
  readonly conclusion: Conclusion;
  readonly lostNothing: boolean;
  /** One sentence. */
  readonly verdict: string;
}

/** What it comes to. */
export function verdictOf(facts: VerdictFacts): Verdict {
  const { totals, thresholds, partial, ofLateClient = 0 } = facts;
  const isOwnDoing = totals.failed > 0 && ofLateClient === totals.failed;
  const doubt = isOwnDoing ? ownDoingOf(totals) : doubtOf(facts);
  const troubles = troublesOf(facts);
  const isTolerated = totals.failed / Math.max(1, totals.requests) <= (thresholds.maxLoss ?? 0);
  const isLost = totals.failed > 0 && !isTolerated && !isOwnDoing;
  const conclusion: Conclusion =
    isLost || troubles.length > 0 ? 'failed' : doubt !== undefined || partial !== undefined ? 'not-known' : 'passed';
  const said = sentenceOf(facts, { isTolerated, troubles, doubt });
  return {
    conclusion,
    lostNothing: conclusion === 'passed' && totals.failed === 0,
    verdict: partial ? `Partial, ${whyOf(partial)}. ${said}` : said,
  };
}

interface Judged {
  readonly isTolerated: boolean;
  readonly troubles: readonly string[];
  readonly doubt?: string;
}

function sentenceOf(
  { totals, thresholds, shutdowns, ofLateClient = 0 }: VerdictFacts,
  { isTolerated, troubles, doubt }: Judged,
): string {
  const { requests, failed, failuresByKind, lossUpperBound } = totals;
  const stops = shutdowns === 0 ? '' : ` in ${plural(shutdowns, 'shutdown')}`;
  const notes = [...troubles, ...notesOf(totals, shutdowns)].map((each) => `; ${each}`).join('');
  if (failed > 0 && (isTolerated || ofLateClient < failed)) {
    const share = `${count(failed)} of ${count(requests)} (${percent(failed / requests)})`;
    const allowed = isTolerated ? `, and --max-loss allows ${percent(thresholds.maxLoss ?? 0)}` : '';
    return `Requests are lost: ${share} failed${stops}: ${listOfKinds(failuresByKind)}${allowed}${notes}.`;
  }
  if (doubt !== undefined && (troubles.length === 0 || failed > 0))
    return `Too little to say anything: ${doubt}${notes}.`;
  const bound =
    `none of ${plural(requests, 'request')} failed${stops}, so that with 95 % confidence ` +
    `fewer than ${percent(lossUpperBound)} are lost`;
  if (troubles.length > 0) return `No request was lost, but ${troubles.join('; ')}: ${bound}.`;
  return `Nothing is lost: ${bound}${notes}.`;
}

/** What must not be, besides lost requests. */
function troublesOf({ totals, thresholds: { maxP99Ms = Infinity }, shutdowns }: VerdictFacts): string[] {
  const { killed, diedAlone, unseenSignals, latency } = totals;
  const of = `of ${plural(shutdowns, 'shutdown')}`;
  const { p99Ms } = latency.duringRolls;
  return [
    ...(diedAlone > 0
      ? [`${plural(diedAlone, 'replica')} died, and nobody had stopped ${diedAlone === 1 ? 'it' : 'them'}`]
      : []),
    ...(killed > 0 ? [`${count(killed)} ${of} had to be ended with SIGKILL`] : []),
    ...(unseenSignals > 0
      ? [`in ${count(unseenSignals)} ${of} the signal never came to the process that listens`]
      : []),
    ...(p99Ms > maxP99Ms ? [`p99 in rolls is ${duration(p99Ms)}, and --max-p99 allows ${duration(maxP99Ms)}`] : []),
  ];
}

/** What is told, and is no failure of its own. */
function notesOf({ failedExits, repeated = 0 }: Totals, shutdowns: number): string[] {
  return [
    ...(failedExits > 0
      ? [`${count(failedExits)} of ${plural(shutdowns, 'shutdown')} ended with an exit code other than 0`]
      : []),
    ...(repeated > 0 ? [`${plural(repeated, 'request')} had to be sent again, refused unseen at first`] : []),
  ];
}

/** Nobody else is to blame. */
function ownDoingOf({ failed, failuresByKind }: Totals): string {
  return `${plural(failed, 'request')} failed (${listOfKinds(failuresByKind)}) because the drill itself was late`;
}

/** Why nothing can be concluded from what was not lost. */
function doubtOf({ totals, rolls, isGroup = false }: VerdictFacts): string | undefined {
  const fewest = Math.min(...rolls.map(({ samples }) => samples.dueAtMs.length));
  if (rolls.length === 0 || fewest < leastRequests) {
    return (
      `${plural(Number.isFinite(fewest) ? fewest : 0, 'request')} in a roll ${fewest === 1 ? 'is' : 'are'} too few, ` +
      `and ${leastRequests} the least; raise --rate or --cool-down`
    );
  }
  const unseenRoll = isGroup && rolls.find(({ replicas }) => replicas.length === 0);
  if (unseenRoll) return `no process of the group was seen from inside in roll ${unseenRoll.round}`;
  const idleRoll = rolls.find(({ replicas }) => replicas.length > 0 && replicas.every(isUntouched));
  if (idleRoll) return `nobody was stopped in roll ${idleRoll.round}`;
  const { answeredByReplicas, requests, failed } = totals;
  if (answeredByReplicas === undefined) return undefined;
  const strangers = requests - failed - answeredByReplicas;
  if (strangers > 0) return `${plural(strangers, 'answer')} did not come from a replica of the drill`;
  const idle = rolls
    .flatMap(({ replicas }) => replicas)
    .find(
      ({ signalledAtMs, inRotationAtMs, answered }) =>
        signalledAtMs !== undefined && inRotationAtMs !== undefined && answered === 0,
    );
  return idle && `${idle.name} was stopped without having answered one request; raise --rate or --connections`;
}

function isUntouched({ signalledAtMs, exitedAtMs }: ReplicaTimeline): boolean {
  return signalledAtMs === undefined && exitedAtMs === undefined;
}

function whyOf({ kind, reason }: Interruption): string {
  return kind === 'interrupted'
    ? `since it was interrupted (${reason})`
    : `since it could not go on: ${reason.replace(/\.$/, '')}`;
}
