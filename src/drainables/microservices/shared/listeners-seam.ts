import {
  catchError,
  defaultIfEmpty,
  EMPTY,
  from,
  isObservable,
  map,
  mergeMap,
  type Observable,
  of,
  takeLast,
  throwError,
} from 'rxjs';
import { type MessageCallback } from './transport.js';

/** How a listener has ended. */
class Outcome {
  constructor(readonly again: Observable<unknown>) {}
}

/**
 * Nest has a listener of an event call the next one, and joins the results of both: the whole ends as soon as one of
 * them fails, or ends without a value, and what the other still does goes on unseen. So it is given this in the place
 * of the next listener, which counts for itself: it yields one value in any case, and the whole goes on until the
 * listener before has ended.
 */
export function asOutcome(next: MessageCallback): MessageCallback {
  return (...args) =>
    from(new Promise((resolve) => resolve(next(...args)))).pipe(
      mergeMap((result) => (isObservable(result) ? result : of(result))),
      takeLast(1),
      map((value) => of(value)),
      defaultIfEmpty(EMPTY),
      catchError((error: unknown) => of(throwError(() => error))),
      map((again) => new Outcome(again)),
    );
}

/** Makes what Nest has joined end as it would have: with the next listener's value, with none, or with its error. */
export function fromOutcome(joined: unknown): unknown {
  if (joined instanceof Promise) return joined.then(fromOutcome);
  return isObservable(joined) ? joined.pipe(mergeMap(unfold)) : joined;
}

function unfold(both: unknown): Observable<unknown> {
  const next = (both as { readonly next?: unknown } | undefined | null)?.next;
  return next instanceof Outcome ? next.again.pipe(map((value) => ({ ...(both as object), next: value }))) : of(both);
}
