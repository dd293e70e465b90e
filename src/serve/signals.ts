import { type Supervisor } from './supervisor.js';

/**
 * HUP and USR2 reload; TTIN and TTOU add and take away a worker; TERM and INT stop, and a second INT ends all workers at
 * once. Calls `stopped` when they have ended.
 */
export function listenForSignals(supervisor: Supervisor, stopped: () => void): { close(): void } {
  const reload = () => void supervisor.reload();
  const scaleBy = (difference: number) => () => {
    const workers = supervisor.places.length + difference;
    if (workers > 0) supervisor.scale(workers);
  };
  const stop = (signal: NodeJS.Signals) => {
    if (supervisor.phase === 'stopping' && signal === 'SIGINT') return supervisor.force('a second SIGINT');
    void supervisor.stop(signal).then(stopped);
  };
  const listeners = {
    SIGHUP: reload,
    SIGUSR2: reload,
    SIGTTIN: scaleBy(1),
    SIGTTOU: scaleBy(-1),
    SIGTERM: stop,
    SIGINT: stop,
  };
  const each = Object.entries(listeners) as [NodeJS.Signals, NodeJS.SignalsListener][];
  for (const [signal, listener] of each) process.on(signal, listener);
  return {
    close: () => {
      for (const [signal, listener] of each) process.off(signal, listener);
    },
  };
}
