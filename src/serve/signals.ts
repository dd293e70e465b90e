import { type Clock } from '../sequence/clock.js';
import { Keystroke } from '../sequence/keystroke.js';
import { type Supervisor } from './supervisor.js';

/** Tells of signals, as `process` does. */
type SignalSource = Pick<NodeJS.EventEmitter, 'on' | 'off'>;

/**
 * HUP and USR2 reload; TTIN and TTOU add and take away a worker; TERM and INT stop, and a second INT ends all workers at
 * once. Calls `stopped` when they have ended.
 */
export function listenForSignals(
  supervisor: Pick<Supervisor, 'reload' | 'scale' | 'stop' | 'force' | 'places' | 'phase'>,
  clock: Clock,
  stopped: () => void,
  source: SignalSource = process,
): { close(): void } {
  const keystroke = new Keystroke(clock);
  const reload = () => void supervisor.reload();
  const scaleBy = (difference: number) => () => {
    const workers = supervisor.places.length + difference;
    if (workers > 0) supervisor.scale(workers);
  };
  const stop = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT') {
      if (keystroke.isOn) return;
      keystroke.begin();
      if (supervisor.phase === 'stopping') return supervisor.force('a second SIGINT');
    }
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
  for (const [signal, listener] of each) source.on(signal, listener);
  return {
    close: () => {
      keystroke.end();
      for (const [signal, listener] of each) source.off(signal, listener);
    },
  };
}
