import { type Cluster, type Worker } from 'node:cluster';
import { supervisedWorker } from './supervised-worker.js';

/**
 * Through whom a process shares its listening socket with others: with its siblings, or with those that come after it.
 *
 * - `cluster`: it is a worker of `node:cluster`, which PM2's cluster mode makes as well
 * - `socket-activation`: systemd has given it the socket, and keeps it
 * - `supervisor`: `nestjs-drain serve` has given it the socket, and keeps it
 */
export type SharedSocket = 'cluster' | 'socket-activation' | 'supervisor';

/** What else tells of it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly isClusterWorker: boolean;
  readonly isSupervised: boolean;
}

/**
 * Tells through whom this process shares its listening socket; undefined where it has one of its own.
 *
 * `LISTEN_FDS` alone tells nothing, for children inherit it: `LISTEN_PID` says whom it is meant for.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
 */
export function sharedSocketOf(
  environment: NodeJS.ProcessEnv = process.env,
  { pid, isClusterWorker, isSupervised }: ProcessFacts = {
    pid: process.pid,
    isClusterWorker: clusterWorker() !== undefined,
    isSupervised: supervisedWorker() !== undefined,
  },
): SharedSocket | undefined {
  if (isSupervised) return 'supervisor';
  const { LISTEN_FDS, LISTEN_PID } = environment;
  if (isClusterWorker) return 'cluster';
  if (Number(LISTEN_FDS) > 0 && Number(LISTEN_PID) === pid) return 'socket-activation';
  return undefined;
}

/**
 * The worker of `node:cluster` that this process is, if it is one.
 *
 * Node deletes `NODE_UNIQUE_ID` before a worker runs, and so the environment does not tell. Node has loaded
 * `node:cluster` in every worker, and whoever has no channel to a parent is none: it is not loaded to learn that.
 */
export function clusterWorker(): Worker | undefined {
  if (!process.connected) return undefined;
  return (process.getBuiltinModule('node:cluster') as unknown as Cluster).worker;
}
