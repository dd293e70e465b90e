import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { type Writable } from 'node:stream';
import { prefixLines } from './log-lines.js';
import { preloadFile } from './preload-file.js';
import { workerVariables } from './protocol.js';
import { type Release } from './release.js';
import { WorkerProcess } from './worker-process.js';
import { type WorkerSurroundings } from './worker-surroundings.js';

/** How a worker is started. */
export interface WorkerSetup extends WorkerSurroundings {
  /** The code that a worker loads first. */
  readonly preload: string;
  readonly privateFolder: string;
  readonly prefixesLines: boolean;
  readonly environment?: NodeJS.ProcessEnv;
  readonly output?: { readonly stdout: Writable; readonly stderr: Writable };
}

/** They are meant for the process that systemd, or PM2, has started. */
const notInherited = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'pm_id',
  'kill_timeout',
  'wait_ready',
];

/** Starts the application in a child of its own group: what a terminal sends to this one does not reach it. */
export function startWorker(release: Release, place: number, setup: WorkerSetup): WorkerProcess {
  const { output = process } = setup;
  const child = childOf(release, place, setup);
  if (child.stdout) prefixLines(child.stdout, output.stdout, `[${place}] `);
  if (child.stderr) prefixLines(child.stderr, output.stderr, `[${place}] `);
  return new WorkerProcess(release, place, child, setup);
}

/** Of some failures Node tells by an event of the child, and the others it throws: here the child tells of all. */
function childOf(release: Release, place: number, setup: WorkerSetup): ChildProcess {
  const output = setup.prefixesLines ? 'pipe' : 'inherit';
  try {
    return spawn(release.command, release.args, {
      cwd: release.folder,
      env: workerEnvironment(release, place, setup),
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    });
  } catch (error) {
    const none = Object.assign(new EventEmitter(), { kill: () => false }) as ChildProcess;
    process.nextTick(() => none.emit('error', error));
    return none;
  }
}

export function workerEnvironment(
  { folder }: Release,
  place: number,
  { preload, graceMs, privateFolder, environment = process.env }: WorkerSetup,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(environment).filter(([name]) => !notInherited.includes(name));
  const { NODE_OPTIONS = '' } = environment;
  return {
    ...Object.fromEntries(inherited),
    PWD: folder,
    // Quoted, for there may be spaces in it.
    NODE_OPTIONS: `${NODE_OPTIONS} --require ${JSON.stringify(preloadFile(privateFolder, preload))}`.trimStart(),
    [workerVariables.nodeOptions]: NODE_OPTIONS,
    [workerVariables.number]: String(place),
    [workerVariables.supervisor]: String(process.pid),
    [workerVariables.graceMs]: String(graceMs),
    [workerVariables.privateFolder]: privateFolder,
  };
}
