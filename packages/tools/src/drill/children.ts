import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Runs in a process of its own, which outlives this one by a moment: it is told of each child, and ends those that are
 * left when its stdin ends, and then what has the mark, until there is none. Signals that are meant for a whole process
 * group must not take it away before.
 */
const leash = `
  const fs = require('fs');
  const living = new Map();
  let mark = '';
  let rest = '';
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      const [what, pid, signal] = JSON.parse(line);
      if (what === 'mark') mark = pid;
      else if (signal) living.set(pid, signal);
      else living.delete(pid);
    }
  });
  const end = (pid, signal) => {
    try {
      process.kill(pid, signal);
      return true;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  };
  const has = (pid) => {
    try {
      return fs.readFileSync('/proc/' + pid + '/environ', 'utf8').includes(mark);
    } catch {
      return false;
    }
  };
  process.stdin.on('end', () => {
    for (const [pid, signal] of living) end(pid, signal);
    const sweep = (left) => {
      if (mark === '' || left === 0 || !fs.existsSync('/proc/self/environ')) process.exit();
      const found = fs.readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid) && Number(pid) !== process.pid && has(pid));
      if (found.length === 0) process.exit();
      for (const pid of found) end(Number(pid), 'SIGKILL');
      setTimeout(sweep, 20, left - 1);
    };
    sweep(50);
  });`;

/** The children that are alive. */
const living = new Set<ChildProcess>();
let hasMark = false;
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
  say('child', pid, signal);
  child.once('exit', () => {
    living.delete(child);
    say('child', pid);
    letGo();
  });
}

/** Sends SIGKILL to the process group that a child leads. Reports whether there was anything to kill. */
export function killGroup({ pid }: ChildProcess): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
    return false;
  }
}

/**
 * Ends, with this process, whatever has this text in its environment, children of children that have left their process
 * group included; `undefined` takes that back. There is one such text at a time.
 */
export function endMarkedWithThisProcess(mark: string | undefined): void {
  hasMark = mark !== undefined;
  say('mark', mark ?? '');
  letGo();
}

function say(...words: readonly (string | number)[]): void {
  holder ??= hold();
  holder.write(`${JSON.stringify(words)}\n`);
}

function letGo(): void {
  if (living.size > 0 || hasMark) return;
  holder?.end();
  holder = undefined;
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
