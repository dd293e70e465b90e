import { readFileSync } from 'node:fs';

/** The command lines of what restarts a process when a file is saved. `node --watch` tells its children itself. */
const watchers = /\bnest(\.m?js)?\s+(start|s)\b.*\s(--watch|-w)\b|\btsx\b.*\swatch\b|\b(nodemon|ts-node-dev|tsnd)\b/;
/** What a watcher may start a process through. */
const relays = /^\S*\b(sh|bash|dash|ash|zsh|npm|npx|yarn|pnpm)\b/;
/** So many processes are looked at. */
const generations = 5;

/**
 * Reports whether a watcher has started this process, and will start another one when it ends: nobody routes traffic to
 * it, and somebody waits for the restart.
 *
 * `node --watch` sets `WATCH_REPORT_DEPENDENCIES`; others are known by their command line, which Linux tells of
 * parents, and npm of the script that it runs.
 */
export function isWatched(
  environment: NodeJS.ProcessEnv = process.env,
  parentPid: number = process.ppid,
  read: (pid: number) => { commandLine: string; parentPid: number } | undefined = readProcess,
): boolean {
  const { WATCH_REPORT_DEPENDENCIES, npm_lifecycle_script: script = '' } = environment;
  if (WATCH_REPORT_DEPENDENCIES !== undefined || watchers.test(script)) return true;
  let pid = parentPid;
  for (let generation = 0; generation < generations && pid > 0; generation++) {
    const parent = read(pid);
    if (!parent) return false;
    if (watchers.test(parent.commandLine)) return true;
    if (!relays.test(parent.commandLine)) return false;
    pid = parent.parentPid;
  }
  return false;
}

function readProcess(pid: number): { commandLine: string; parentPid: number } | undefined {
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // "pid (command) state ppid …"; the command may itself hold parentheses.
    return { commandLine, parentPid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
  } catch {
    return undefined;
  }
}
