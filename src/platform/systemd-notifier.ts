import { type Clock, systemClock } from '../sequence/clock.js';
import { runProgram } from './run-program.js';

/** Runs the program that tells systemd. Calls back when it has ended, with what went wrong, if anything. */
export type Notify = (assignments: readonly string[], ended: (error?: Error) => void) => void;

/** Why no process could be started at the moment. */
const momentary = /^E(AGAIN|MFILE|NFILE|NOMEM)$/;
/** It is tried again after this time, ms: the next sign of life would be too late for the watchdog. */
const againAfterMs = 500;
/**
 * Names the process, and the thread in it, that tells systemd: what it starts inherits `NOTIFY_SOCKET`, and is not the
 * service. `NOTIFY_SOCKET` stays, for an application may tell systemd more by itself.
 */
const speakerVariable = 'NESTJS_DRAIN_NOTIFIER';

/** Whom systemd hears. */
interface Speaker {
  readonly warn: (message: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
  readonly pid?: number;
  readonly threadId?: number;
  readonly notify?: Notify;
  readonly clock?: Clock;
}

/**
 * Tells systemd as `sd_notify(3)` has it. Silent where systemd does not listen (`NOTIFY_SOCKET`). Node has no datagrams
 * of Unix sockets, so `systemd-notify` is run, one at a time, and nothing waits for it.
 */
export class SystemdNotifier {
  readonly isListening: boolean;
  /** What is still to be told, by name: what was not told in time is out of date. */
  private untold: ReadonlyMap<string, string> = new Map<string, string>();
  private isTelling = false;
  private isMissing = false;
  private readonly notify: Notify;

  constructor(private readonly speaker: Speaker) {
    this.isListening = isListeningTo(speaker);
    this.notify = speaker.notify ?? runSystemdNotify;
  }

  /** How often systemd wants to hear that this process lives, ms: twice in the time after which it takes it for hung. */
  get aliveEveryMs(): number | undefined {
    const { environment = process.env, pid = process.pid } = this.speaker;
    const { WATCHDOG_USEC, WATCHDOG_PID = String(pid) } = environment;
    const everyMs = Number(WATCHDOG_USEC) / 2_000;
    return this.isListening && everyMs >= 1 && WATCHDOG_PID === String(pid) ? everyMs : undefined;
  }

  tell(assignments: Readonly<Record<string, string>>): void {
    if (!this.isListening || this.isMissing) return;
    this.untold = new Map([...this.untold, ...Object.entries(assignments)]);
    if (!this.isTelling) this.tellAll();
  }

  private tellAll(): void {
    const { untold } = this;
    if (untold.size === 0) return;
    this.untold = new Map();
    this.isTelling = true;
    const assignments = [...untold].map(([name, value]) => `${name}=${value}`);
    this.notify(assignments, (error?: NodeJS.ErrnoException) => {
      if (momentary.test(error?.code ?? '')) {
        // What is newer has come in the meantime.
        this.untold = new Map([...untold, ...this.untold]);
        const { clock = systemClock } = this.speaker;
        clock.after(againAfterMs, () => this.tellAll()).unref?.();
        return;
      }
      this.isTelling = false;
      if (!error) return this.tellAll();
      this.isMissing = true;
      this.speaker.warn(
        'systemd waits to hear from this process (NOTIFY_SOCKET is set), and systemd-notify cannot be run: ' +
          `${error.message}. Install it, or write Type=exec in the unit.`,
      );
    });
  }
}

/** The first that asks in a process, or a thread, speaks for it, and for all that it starts. */
function isListeningTo({ environment = process.env, pid = process.pid, threadId }: Speaker): boolean {
  if (environment.NOTIFY_SOCKET === undefined) return false;
  const own = `${pid}:${threadId ?? process.getBuiltinModule('node:worker_threads').threadId}`;
  return (environment[speakerVariable] ??= own) === own;
}

const runSystemdNotify: Notify = (assignments, ended) =>
  runProgram('systemd-notify', assignments, (_output, error) => ended(error));
