import { describe, expect, it, jest } from '@jest/globals';
import { clusterWorker, sharedSocketOf } from '../../../src/platform/shared-socket.js';

const alone = { pid: 4_321, isClusterWorker: false, isSupervised: false };
const worker = { ...alone, isClusterWorker: true };

describe('sharedSocketOf', () => {
  it.each([
    ['cluster', {}, worker],
    ['cluster', { pm_id: '0', exec_mode: 'cluster_mode', NODE_APP_INSTANCE: '0' }, worker],
    ['socket-activation', { LISTEN_FDS: '1', LISTEN_PID: '4321' }, alone],
    ['supervisor', {}, { ...alone, isSupervised: true }],
  ])('finds %s', (found, environment, facts) => {
    expect(sharedSocketOf(environment, facts)).toBe(found);
  });

  it.each([
    ['nothing is set', {}],
    ["it runs in PM2's fork mode, where each process has a socket of its own", { pm_id: '0', exec_mode: 'fork_mode' }],
    ['the sockets were meant for its parent', { LISTEN_FDS: '1', LISTEN_PID: '4320' }],
    ['a worker of a supervisor has started it', { NESTJS_DRAIN_WORKER: '2' }],
    ['there are none', { LISTEN_FDS: '0', LISTEN_PID: '4321' }],
  ])('finds nobody when %s', (_, environment) => {
    expect(sharedSocketOf(environment, alone)).toBeUndefined();
  });

  it('asks node:cluster only in a process that has a channel to a parent', () => {
    const worker = { id: 1 };
    const builtin = jest.spyOn(process, 'getBuiltinModule').mockReturnValue({ isWorker: true, worker });
    const { connected } = process;
    try {
      process.connected = false;
      expect(clusterWorker()).toBeUndefined();
      expect(builtin).not.toHaveBeenCalled();
      process.connected = true;
      expect(clusterWorker()).toBe(worker);
      builtin.mockReturnValue({ isPrimary: true });
      expect(clusterWorker()).toBeUndefined();
    } finally {
      process.connected = connected;
      builtin.mockRestore();
    }
  });

  it('finds nobody in a process that was forked, and is no worker of node:cluster, as a test runner does', () => {
    expect(sharedSocketOf({})).toBeUndefined();
  });
});
