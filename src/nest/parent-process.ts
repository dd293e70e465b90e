import { readFileSync } from 'node:fs';

const relays = /^(npm|npx|yarn|pnpm|bun|sh|bash|dash|ash|zsh)\b/;

/**
 * Names what stands as PID 1 between the platform and this process and does not pass signals on: a package manager or a
 * shell. Nothing when signals arrive, or when the system does not tell (Linux does, in `/proc`).
 */
export function signalSwallower(pid = process.pid, parentPid = process.ppid, read = readProcess): string | undefined {
  if (pid === 1) return undefined;
  let swallower: string | undefined;
  for (let each = parentPid; each >= 1;) {
    const found = read(each);
    if (!found || !relays.test(found.command)) return undefined;
    swallower = found.command;
    if (each === 1) return swallower;
    each = found.parentPid;
  }
  return undefined;
}

function readProcess(pid: number): { command: string; parentPid: number } | undefined {
  try {
    // "pid (command) state ppid …"; the command may itself hold parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const parentPid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { command, parentPid };
  } catch {
    return undefined;
  }
}
