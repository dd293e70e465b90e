import type { ChildProcess } from 'node:child_process';

/** The signals that end a process which does not listen for them, without its 'exit' event. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The children that are alive, and what ends each. */
const living = new Map<ChildProcess, NodeJS.Signals>();

/**
 * Kills the child when this process ends, by itself or by a signal. Nothing can be done against a SIGKILL of this
 * process. Leaves no listener behind once the last child has exited.
 *
 * @param signal what ends the child. One that has children of its own, and takes them along at SIGTERM, is given that.
 */
export function endWithThisProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (living.size === 0) listen();
  living.set(child, signal);
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
  for (const [child, signal] of living) child.kill(signal);
}

function killAllAndEnd(signal: NodeJS.Signals): void {
  killAll();
  unlisten();
  // To have listened took the signal's own effect away. Whoever else listens decides for this process.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
