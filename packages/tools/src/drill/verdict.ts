import { count, listOfKinds, percent, plural } from './words.js';
import { type Totals } from './result.js';

/** The verdict in one sentence. */
export function verdictOf(
  { requests, failed, failuresByKind, lossUpperBound, killed }: Totals,
  shutdowns: number,
): string {
  const stops = plural(shutdowns, 'shutdown');
  const kills = killed > 0 ? `${count(killed)} of ${stops} had to be ended with SIGKILL` : '';
  if (failed > 0) {
    const share = percent(failed / requests);
    return (
      `Requests are lost: ${count(failed)} of ${count(requests)} (${share}) failed in ${stops}: ` +
      `${listOfKinds(failuresByKind)}${kills && `; ${kills}`}.`
    );
  }
  const bound =
    `none of ${plural(requests, 'request')} failed in ${stops}, so that with 95 % confidence ` +
    `fewer than ${percent(lossUpperBound)} are lost`;
  return kills ? `No request was lost, but ${kills}: ${bound}.` : `Nothing is lost: ${bound}.`;
}
