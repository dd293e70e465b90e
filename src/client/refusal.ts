import { drainingCode } from '../words/refusal.js';

/** What a call fails with that was lost with its connection, and has certainly not been executed. */
const unexecuted = new WeakSet<object>();

/** Reports whether a call was answered that it came too late. */
export function isDraining(error: unknown): boolean {
  const { status, code } = (error ?? {}) as { status?: unknown; code?: unknown };
  return code === drainingCode && status === 'error';
}

/** Reports whether a call that failed with `error` has certainly not been executed. */
export function isRefusal(error: unknown): boolean {
  return isDraining(error) || (typeof error === 'object' && error !== null && unexecuted.has(error));
}

/** The error of a call whose connection was closed, as Nest's client makes it. */
export function connectionClosed(isUnexecuted: boolean): Error {
  const error = new Error('Connection closed');
  if (isUnexecuted) unexecuted.add(error);
  return error;
}

/** Reports whether `error` is the one that Nest's client makes when its connection closes. */
export function isConnectionClosed(error: unknown): boolean {
  return error instanceof Error && error.message === 'Connection closed';
}
