import { type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { becomeSupervisedWorker } from '../../platform/supervised-worker.js';
import { type Clock, systemClock } from '../../sequence/clock.js';
import { type ConnectionHandle, type ListenHandle } from '../insides.js';
import { memoryHeld } from '../memory-held.js';
import { type FromSupervisor, heartbeatMs, type Manner, workerVariables } from '../protocol.js';
import { Channel } from './channel.js';
import { Retirement } from './retirement.js';
import { SharedServers } from './shared-servers.js';

const { env } = process;
// Threads of the application load this, too.
if (isMainThread && process.connected && env[workerVariables.nodeOptions] !== undefined) beginWorker();

/** Runs before the application's first line, which is loaded unchanged. */
function beginWorker(): void {
  keepFromChildren();
  const graceMs = Number(env[workerVariables.graceMs]);
  const channel = new Channel(hear, () => retire('rolled', 'SIGTERM', graceMs));
  const servers = new SharedServers(channel, listens);
  const signal = (name: NodeJS.Signals) => void process.kill(process.pid, name);
  const retirement = new Retirement({
    worker: becomeSupervisedWorker(),
    stopAccepting: () => servers.stopAccepting(),
    signal,
  });
  let isRetiring = false;
  let hasListened = false;
  outliveOutput();
  servers.begin();
  beat(systemClock, channel);

  function listens(server: Server): void {
    retirement.follow(server);
    if (!hasListened) channel.release();
    hasListened = true;
  }

  function hear(message: FromSupervisor, handle: unknown): void {
    switch (message.kind) {
      case 'bound':
      case 'refused':
        return servers.answered(message);
      case 'accept':
        return servers.accept(message.key, handle as ListenHandle, message.backlog);
      case 'connection': {
        const { key, connection } = message;
        const taken = () => channel.tell({ kind: 'taken', connection });
        if (!servers.take(key, handle as ConnectionHandle, taken)) channel.tell({ kind: 'declined', connection });
        return;
      }
      case 'retire':
        return retire(message.manner, message.signal, message.withinMs);
    }
  }

  /** It is told to, or the supervisor is gone: then nobody else ends what does not end by itself. */
  function retire(manner: Manner, name: NodeJS.Signals, withinMs: number): void {
    if (!process.connected) {
      systemClock.after(withinMs, () => process.kill(process.pid, 'SIGKILL')).unref?.();
    }
    if (isRetiring) return;
    isRetiring = true;
    channel.tell({ kind: 'retiring' });
    process.channel?.unref();
    retirement.begin(manner, name, withinMs);
  }
}

/** What the application starts is no worker. */
function keepFromChildren(): void {
  const before = env[workerVariables.nodeOptions];
  if (before) env.NODE_OPTIONS = before;
  else delete env.NODE_OPTIONS;
  delete env[workerVariables.nodeOptions];
}

function beat(clock: Clock, channel: Channel): void {
  channel.tell({ kind: 'alive', rss: memoryHeld() });
  clock.after(heartbeatMs, () => beat(clock, channel)).unref?.();
}

/**
 * Whoever reads the output may end first. That of the supervisor is seen there before it is known here. Listeners of the
 * application hear of it all the same.
 */
function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
