/**
 * What stands in a worker of `nestjs-drain serve` between its preload, which the supervisor has put there, and the
 * module: both may be there several times, and so it is found by a name.
 */
export interface SupervisedWorker {
  /** All workers end, and nobody goes on accepting. Otherwise this one alone is replaced. */
  isGroupStopping: boolean;
  /** An application in this process takes leave of its clients by itself when SIGTERM comes. */
  drainsItself: boolean;
}

/** In this variable a worker is told the process id of its supervisor: whoever has another parent is no worker. */
export const supervisorVariable = 'NESTJS_DRAIN_SUPERVISOR';
/** And in this one how long it has from SIGTERM to SIGKILL, ms. */
export const graceVariable = 'NESTJS_DRAIN_GRACE_MS';

const mark = Symbol.for('nestjs-drain.supervised-worker');
const marked = globalThis as { [mark]?: SupervisedWorker };

/** The supervised worker that this process is, if it is one. */
export function supervisedWorker(): SupervisedWorker | undefined {
  return marked[mark];
}

/** This process is one, from here on. */
export function becomeSupervisedWorker(): SupervisedWorker {
  return (marked[mark] ??= { isGroupStopping: false, drainsItself: false });
}
