import type { ChildProcess } from 'node:child_process';

/** The signals that end a process which does not listen for them, without its 'exit' event. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The children that are alive. */
const living = new Set<ChildProcess>();

/**
 * Kills the child when this process ends, by itself or by a signal. Nothing can be done against a SIGKILL of this
 * process. Leaves no listener behind once the last child has exited.
 */
export function endWithThisProcess(child: ChildProcess): void {
  if (living.size === 0) listen();
  living.add(child);
  const forget = (): void => {
    living.delete(child);
    if (living.size === 0) unlisten();
  };
  child.once('exit', forget).once('error', forget);
}

function listen(): void {
  process.on('exit', killAll);
  for (const signal of endingSignals) process.on(signal, killAllAndEnd);
}

function unlisten(): void {
  process.off('exit', killAll);
  for (const signal of endingSignals) process.off(signal, killAllAndEnd);
}

function killAll(): void {
  for (const child of living) child.kill('SIGKILL');
}

function killAllAndEnd(signal: NodeJS.Signals): void {
  killAll();
  unlisten();
  // To have listened took the signal's own effect away. Whoever else listens decides for this process.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
