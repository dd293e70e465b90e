import { constants } from 'node:os';
import { clusterWorker } from '../platform/shared-socket.js';
import { type ClusterWorker, PrimaryOrders } from './primary-orders.js';
import { type ProcessHost } from './process-host.js';
import { companionMark, countOthers, isCompanion, isListenedFor, isWatched, watchedSignals } from './signals.js';
import { writeToStderr } from './stderr.js';

/** An application, as far as its process has something to tell it. */
export interface SignalReceiver {
  /** Reports whether its shutdown has not begun. */
  readonly isRunning: boolean;
  /**
   * Every signal, the first and all that follow.
   *
   * @param isSelfSent the process has sent it to itself
   */
  received(signal: NodeJS.Signals, isSelfSent: boolean): void;
  /** The primary process takes this one out, and `node:cluster` is about to close its servers. */
  takenOut(): void;
  /** The shutdown of this application, once a signal has begun it: the exit code it asks for, if any. */
  ending(): Promise<number | undefined> | undefined;
  /** What to write when the process ends with `code` in the middle of this application's shutdown. */
  lastWords(code: number): string | undefined;
}

/** The listener of a companion. Several copies of the package in one process know each other's by its mark. */
interface CompanionListener {
  (signal: NodeJS.Signals): void;
  /** Settle, with the exit codes they ask for, when the shutdowns that a signal has begun are over. */
  [companionMark]: () => Promise<number | undefined>[];
}

const companions = new WeakMap<ProcessHost, SignalCompanion>();

/** The one companion of a process, which all its applications share. */
export function companionOf(host: ProcessHost = process): SignalCompanion {
  let companion = companions.get(host);
  if (!companion) companions.set(host, (companion = new SignalCompanion(host)));
  return companion;
}

/**
 * Listens for a signal beside whoever else does, and only while somebody does: a listener of ours alone would keep the
 * signal from ending the process. Nest tells its first hooks no signal; this does, and hears the second one, which Nest
 * ignores.
 *
 * One serves all applications of a process. It does not keep them: those that are never closed may be collected. With
 * the last of them nothing of ours is left on the process.
 *
 * It has more methods than most classes, and most are of three lines: what is listened for, and who is asked, is told
 * apart by them.
 */
export class SignalCompanion {
  private readonly members = new Set<WeakRef<SignalReceiver>>();
  private readonly refs = new WeakMap<SignalReceiver, WeakRef<SignalReceiver>>();
  private readonly collected = new FinalizationRegistry<WeakRef<SignalReceiver>>((ref) => this.remove(ref));
  /** Those whose shutdown has begun and is not over. */
  private readonly closing = new Set<SignalReceiver>();
  /** The signals that the process has sent itself, and that have not arrived yet. */
  private readonly onTheirWay: string[] = [];
  private readonly listener: CompanionListener;
  private readonly orders: PrimaryOrders;
  private restoreKill: () => void = () => undefined;

  constructor(
    private readonly host: ProcessHost,
    private readonly write: (text: string) => void = writeToStderr,
    worker: ClusterWorker | undefined = host === process ? clusterWorker() : undefined,
  ) {
    this.orders = new PrimaryOrders(host, this, worker, isToldByPm2(host));
    this.listener = Object.assign((signal: NodeJS.Signals) => this.heard(signal), {
      [companionMark]: () => Array.from(this.receivers(), (each) => each.ending() ?? []).flat(),
    });
  }

  /** An application begins to listen. */
  join(receiver: SignalReceiver): void {
    if (this.refs.has(receiver)) return;
    const ref = new WeakRef(receiver);
    this.refs.set(receiver, ref);
    this.collected.register(receiver, ref, ref);
    this.members.add(ref);
    if (this.members.size === 1) this.start();
  }

  /** The shutdown of an application has begun. From here on it is not collected before it leaves. */
  shutdownBegan(receiver: SignalReceiver): void {
    this.closing.add(receiver);
    this.orders.shutdownBegan();
    if (this.closing.size > 1) return;
    this.host.on('exit', this.exiting);
    this.restoreKill = this.watchKill();
  }

  /** An application has closed. */
  leave(receiver: SignalReceiver): void {
    if (this.closing.delete(receiver) && this.closing.size === 0) {
      this.host.off('exit', this.exiting);
      this.restoreKill();
      if (this.isAnyRunning) this.orders.runsOn();
    }
    const ref = this.refs.get(receiver);
    this.refs.delete(receiver);
    if (ref) this.remove(ref);
  }

  /** The shutdowns, begun by a signal, of the other applications in this process. */
  othersEnding(than: SignalReceiver): Promise<number | undefined>[] {
    const own = [...this.receivers()].filter((each) => each !== than).flatMap((each) => each.ending() ?? []);
    const foreign = watchedSignals.flatMap((signal) => this.host.listeners(signal)).filter(isCompanion);
    const copies = new Set(foreign as unknown as CompanionListener[]);
    copies.delete(this.listener);
    return [...own, ...[...copies].flatMap((each) => each[companionMark]())];
  }

  /** Reports whether another application in this process runs, and nobody is closing it. */
  isAnotherRunning(than: SignalReceiver): boolean {
    for (const each of this.receivers()) if (each !== than && each.isRunning) return true;
    return false;
  }

  /** The primary process takes this one out. */
  takenOut(): void {
    for (const receiver of this.receivers()) receiver.takenOut();
  }

  /** Somebody asks the process to end, by other means than a signal: as if `signal` had come. */
  asked(signal: NodeJS.Signals): void {
    for (const receiver of this.receivers()) receiver.received(signal, false);
  }

  /** Reports whether an application runs whose shutdown has not begun. */
  get isAnyRunning(): boolean {
    for (const { isRunning } of this.receivers()) if (isRunning) return true;
    return false;
  }

  private *receivers(): Iterable<SignalReceiver> {
    for (const ref of this.members) {
      const receiver = ref.deref();
      if (receiver) yield receiver;
    }
  }

  private remove(ref: WeakRef<SignalReceiver>): void {
    this.collected.unregister(ref);
    if (this.members.delete(ref) && this.members.size === 0) this.stop();
  }

  private start(): void {
    this.host.on('newListener', this.listenerAdded);
    this.host.on('removeListener', this.listenerRemoved);
    this.orders.start();
    for (const signal of watchedSignals) if (isListenedFor(signal, this.host)) this.listenFor(signal);
  }

  private stop(): void {
    this.host.off('newListener', this.listenerAdded);
    this.host.off('removeListener', this.listenerRemoved);
    this.orders.stop();
    for (const signal of watchedSignals) this.host.off(signal, this.listener);
  }

  private readonly listenerAdded = (event: string | symbol, listener: unknown): void => {
    // It is told before the listener is there.
    if (isWatched(event) && !isCompanion(listener) && countOthers(event, this.host) + 1 > 0) this.listenFor(event);
  };

  private readonly listenerRemoved = (event: string | symbol, listener: unknown): void => {
    if (!isWatched(event) || isCompanion(listener) || isListenedFor(event, this.host)) return;
    this.host.off(event, this.listener);
  };

  private listenFor(signal: NodeJS.Signals): void {
    if (this.host.listeners(signal).includes(this.listener)) return;
    this.host.prependListener(signal, this.listener);
  }

  private heard(signal: NodeJS.Signals): void {
    const place = this.onTheirWay.indexOf(signal);
    if (place >= 0) this.onTheirWay.splice(place, 1);
    for (const receiver of [...this.receivers()]) receiver.received(signal, place >= 0);
  }

  /**
   * A signal does not tell who has sent it. While a shutdown runs, this notes what the process sends itself: another
   * application without this module does so when it has closed.
   */
  private watchKill(): () => void {
    const { host } = this;

    const original = host.kill;
    const standIn: typeof original = (pid, signal = 'SIGTERM') => {
      const name = nameOf(signal);
      if (name === undefined || !isToItself(pid, host) || !host.listeners(name).includes(this.listener)) {
        return original.call(host, pid, signal);
      }
      this.onTheirWay.push(name);
      return original.call(host, pid, signal);
    };
    host.kill = standIn;
    return () => {
      this.onTheirWay.length = 0;
      if (host.kill === standIn) host.kill = original;
    };
  }

  private readonly exiting = (code: number): void => {
    for (const receiver of this.closing) {
      const words = receiver.lastWords(code);
      if (words) this.write(`${words}\n`);
    }
  };
}

/** Reports whether PM2 has a channel to this process: it has to those that it starts, in fork mode as well. */
function isToldByPm2(host: ProcessHost): boolean {
  return host === process && process.connected && process.env.pm_id !== undefined;
}

function isToItself(pid: number, host: ProcessHost): boolean {
  return pid === host.pid || pid === 0;
}

function nameOf(signal: string | number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([name, number]) => name === signal || number === signal);
  return found && isWatched(found[0]) ? found[0] : undefined;
}
