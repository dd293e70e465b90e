import { runProgram } from './run-program.js';

/** Runs the program that tells systemd. Calls back when it has ended, with what went wrong, if anything. */
export type Notify = (assignments: readonly string[], ended: (error?: Error) => void) => void;

/** Whom systemd hears. */
interface Speaker {
  readonly warn: (message: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
  readonly pid?: number;
  readonly notify?: Notify;
}

/**
 * Tells systemd as `sd_notify(3)` has it. Silent where systemd does not listen (`NOTIFY_SOCKET`). Node has no datagrams
 * of Unix sockets, so `systemd-notify` is run, one at a time, and nothing waits for it.
 */
export class SystemdNotifier {
  readonly isListening: boolean;
  /** What is still to be told, by name: what was not told in time is out of date. */
  private readonly untold = new Map<string, string>();
  private isTelling = false;
  private isMissing = false;
  private readonly notify: Notify;

  constructor(private readonly speaker: Speaker) {
    const { environment = process.env, notify = runSystemdNotify } = speaker;
    this.isListening = environment.NOTIFY_SOCKET !== undefined;
    this.notify = notify;
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
    for (const [name, value] of Object.entries(assignments)) this.untold.set(name, value);
    if (!this.isTelling) this.tellAll();
  }

  private tellAll(): void {
    const assignments = [...this.untold].map(([name, value]) => `${name}=${value}`);
    if (assignments.length === 0) return;
    this.untold.clear();
    this.isTelling = true;
    this.notify(assignments, (error) => {
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

const runSystemdNotify: Notify = (assignments, ended) =>
  runProgram('systemd-notify', assignments, (_output, error) => ended(error));
