import { type Fault } from './client.js';

/** What becomes of something that was begun. Only the first call counts. */
export type Settle = (fault?: Fault) => void;

/**
 * Waits for one outcome: no longer than `timeoutMs`, nor than until it is aborted. Rejects with what `begin` throws.
 *
 * @param begin begins it; returns what is to be done when it has its outcome, also when it has it at once
 */
export function outcomeWithin(
  timeoutMs: number,
  signal: AbortSignal,
  begin: (settle: Settle) => Settle | undefined,
): Promise<Fault | undefined> {
  return new Promise((resolve) => {
    let outcome: { readonly fault?: Fault } | undefined;
    let over: Settle = () => undefined;
    const settle = (fault?: Fault): void => {
      if (outcome) return;
      outcome = { fault };
      clearTimeout(overdue);
      signal.removeEventListener('abort', abort);
      over(fault);
      resolve(fault);
    };
    const abort = (): void => settle({ kind: 'other', detail: 'aborted' });
    const overdue = setTimeout(() => settle({ kind: 'timed-out' }), timeoutMs);
    signal.addEventListener('abort', abort);
    over = begin(settle) ?? over;
    if (outcome) over(outcome.fault);
  });
}
