import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Runs in a process of its own, which outlives this one by a moment: it is told of each child, and ends those that are
 * left when its stdin ends. Signals that are meant for a whole process group must not take it away before.
 */
const leash = `
  const living = new Map();
  let rest = '';
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      const [pid, signal] = line.split(' ');
      if (signal) living.set(Number(pid), signal);
      else living.delete(Number(pid));
    }
  });
  process.stdin.on('end', () => {
    for (const [pid, signal] of living) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
    process.exit();
  });`;

/** The children that are alive. */
const living = new Set<ChildProcess>();
let holder: Socket | undefined;

/**
 * Ends the child when this process ends, in whatever way: by itself, by a signal, SIGKILL included, or inside of Jest,
 * where a listener on `process` hears nothing of it. Keeps this process from nothing, and leaves nothing behind once
 * the last child has exited.
 *
 * @param signal what ends the child. One that has children of its own, and takes them along at SIGTERM, is given that.
 * @param isGroup whether the child leads a process group of its own, which is to end as a whole.
 */
export function endWithThisProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL', isGroup = false): void {
  // There was nothing to start.
  if (child.pid === undefined) return;
  const pid = isGroup ? -child.pid : child.pid;
  living.add(child);
  holder ??= hold();
  holder.write(`${pid} ${signal}\n`);
  child.once('exit', () => {
    living.delete(child);
    holder?.write(`${pid}\n`);
    if (living.size > 0) return;
    holder?.end();
    holder = undefined;
  });
}

/** Starts the process that ends what this one leaves. Its stdin ends with this process at the latest. */
function hold(): Socket {
  const keeper = spawn(process.execPath, ['-e', leash], { stdio: ['pipe', 'ignore', 'ignore'] });
  const stdin = keeper.stdin as Socket;
  // If it cannot run, children may be left behind; nothing else depends on it.
  keeper.on('error', () => undefined);
  stdin.on('error', () => undefined);
  keeper.unref();
  stdin.unref();
  return stdin;
}
