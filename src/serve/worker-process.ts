import { type ChildProcess } from 'node:child_process';
import { type AddressInfo } from 'node:net';
import { type ClockTimer } from '../sequence/clock.js';
import { Deferred } from '../sequence/deferred.js';
import { type Acceptor } from './balancing.js';
import { type ConnectionHandle, type ListenHandle } from './insides.js';
import { type ListeningSocket } from './listening-sockets.js';
import { type AskedAddress, type FromWorker, type Manner, opened } from './protocol.js';
import { ReadinessCheck } from './readiness-check.js';
import { type Release } from './release.js';
import { signalGroup } from './signal-group.js';
import { type Worker, type WorkerPhase } from './worker.js';
import { WorkerChannel } from './worker-channel.js';
import { type WorkerSurroundings } from './worker-surroundings.js';

/** What a worker had said before it died is read in this time, ms. */
const lastWordsMs = 50;
/** A worker that does not answer when it is told to retire gets the signal directly, after this time, ms. */
const answerWithinMs = 1_000;

/**
 * A child process that runs the application, and what passes between the two. It has a method for each thing that may
 * happen to a worker.
 */
export class WorkerProcess implements Worker, Acceptor {
  readonly startedAt: number;
  rss = 0;
  /** It was killed after it had been told to end. */
  wasKilled = false;
  private current: WorkerPhase = 'starting';
  private heardAt: number;
  private nextWord = new Deferred<void>();
  /** Why it is killed, behind the name of the signal. */
  private reason = '';
  private hammer?: ClockTimer;
  private readonly readyNow = new Deferred<void>();
  readonly ready = this.readyNow.promise;
  private readonly end = new Deferred<string>();
  readonly gone = this.end.promise;
  private readonly check: ReadinessCheck;
  private readonly channel: WorkerChannel;
  /** The sockets that the application has asked for. */
  private readonly bound = new Map<string, ListeningSocket>();
  /** Those that it listens on: clients come from them once it serves. */
  private readonly listening = new Map<string, ListeningSocket>();
  /** Sockets that it shares, and has not said yet that it accepts from. */
  private readonly accepting = new Map<string, Deferred<void>>();
  private served?: Promise<void>;
  private readonly offers = new Map<number, (isTaken: boolean) => void>();
  private offered = 0;

  constructor(
    readonly release: Release,
    readonly place: number,
    private readonly child: ChildProcess,
    private readonly around: WorkerSurroundings,
  ) {
    const { clock, readiness } = around;
    this.startedAt = this.heardAt = clock.now();
    this.check = new ReadinessCheck(readiness, clock, () => this.becomeReady());
    this.channel = new WorkerChannel(child, clock);
    child.on('message', (message) => this.hear(message));
    child.on('error', (error) => this.pid === undefined && this.ended(error.message));
    child.once('exit', (code, signal) => this.ended(signal ? signal + this.reason : `exit code ${code}`));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get phase(): WorkerPhase {
    return this.current;
  }

  get standing(): string {
    return this.check.standing;
  }

  get pending(): number {
    return this.offers.size;
  }

  /** How long nothing has been heard of it, ms. */
  get silentMs(): number {
    return this.around.clock.now() - this.heardAt;
  }

  heard(): Promise<void> {
    return this.nextWord.promise;
  }

  get keys(): readonly string[] {
    return [...this.bound.keys()];
  }

  serve(): Promise<void> {
    return (this.served ??= this.attach());
  }

  offer(key: string, client: ConnectionHandle, settled: (isTaken: boolean) => void): void {
    const connection = this.offered++;
    this.offers.set(connection, settled);
    this.channel.tell({ kind: 'connection', key, connection }, client, () => this.settle(connection, false));
  }

  accept(key: string, socket: ListenHandle, backlog: number): Promise<void> {
    const accepts = new Deferred<void>();
    this.accepting.set(key, accepts);
    const give = () => {
      // It may have closed that listener meanwhile, or have been told to leave.
      if (this.accepting.get(key) === accepts) this.channel.tell({ kind: 'accept', key, backlog }, socket, give);
    };
    give();
    return accepts.promise;
  }

  retire(manner: Manner, signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.current === 'retiring' || this.current === 'gone') return;
    const { clock, graceMs } = this.around;
    this.current = 'retiring';
    this.check.cancel();
    // Where all stop, it goes on as long as a balancer sends clients, and says when it no longer does.
    if (manner === 'rolled') this.detach();
    this.channel.tell({ kind: 'retire', manner, signal, withinMs: graceMs });
    this.hammer = clock.after(answerWithinMs, () => {
      this.signal(signal);
      this.armHammer(graceMs - answerWithinMs);
    });
  }

  kill(why: string): void {
    if (this.current === 'gone') return;
    this.reason = `: ${why}`;
    this.around.say(`worker ${this.place} (pid ${this.pid}) is killed: ${why}`);
    this.wasKilled = this.current === 'retiring';
    this.current = 'retiring';
    this.check.cancel();
    this.detach();
    // It may have started others.
    if (!signalGroup(this.pid, 'SIGKILL')) this.signal('SIGKILL');
  }

  private hear(message: unknown): void {
    this.heardAt = this.around.clock.now();
    this.nextWord.resolve();
    this.nextWord = new Deferred();
    if (message === 'ready') return this.check.said();
    const told = opened<FromWorker>(message);
    switch (told?.kind) {
      case 'listen':
        return void this.bind(told.key, told.asked);
      case 'listening':
        return this.listens(told.key, told.at, told);
      case 'accepting':
        return this.accepting.get(told.key)?.resolve();
      case 'closed':
        return this.closed(told.key);
      case 'taken':
      case 'declined':
        return this.settle(told.connection, told.kind === 'taken');
      case 'alive':
        this.rss = told.rss;
        return;
      case 'retiring':
        this.hammer?.cancel();
        return this.armHammer(this.around.graceMs);
      case undefined:
    }
  }

  private async bind(key: string, asked: AskedAddress): Promise<void> {
    const { sockets, ticketKeys } = this.around;
    try {
      const socket = await sockets.bind(asked);
      this.bound.set(key, socket);
      this.channel.tell({ kind: 'bound', key, address: socket.address, ticketKeys });
    } catch (thrown) {
      const { message, code, errno, syscall } = thrown as NodeJS.ErrnoException;
      this.check.refused(message);
      this.channel.tell({ kind: 'refused', key, error: { message, code, errno, syscall } });
    }
  }

  private listens(key: string, at: AddressInfo | string, { scheme }: FromWorker & { kind: 'listening' }): void {
    const socket = this.bound.get(key)!;
    this.listening.set(key, socket);
    this.check.listens({ at, scheme });
    if (this.served) void socket.balancing.attach(this);
  }

  private closed(key: string): void {
    this.accepting.get(key)?.resolve();
    this.accepting.delete(key);
    this.listening.get(key)?.balancing.detach(this);
    this.listening.delete(key);
    this.bound.delete(key);
  }

  private async attach(): Promise<void> {
    if (this.current !== 'ready') return;
    await Promise.all([...this.listening.values()].map(({ balancing }) => balancing.attach(this)));
    // Nothing goes backward, and it may have ended meanwhile.
    if (this.phase === 'ready') this.current = 'serving';
  }

  private detach(): void {
    for (const accepts of this.accepting.values()) accepts.resolve();
    this.accepting.clear();
    for (const { balancing } of this.listening.values()) balancing.detach(this);
  }

  private becomeReady(): void {
    this.current = 'ready';
    this.readyNow.resolve();
  }

  private settle(connection: number, isTaken: boolean): void {
    const settled = this.offers.get(connection);
    this.offers.delete(connection);
    settled?.(isTaken);
  }

  private ended(how: string): void {
    const { clock } = this.around;
    this.current = 'gone';
    this.check.cancel();
    this.hammer?.cancel();
    this.detach();
    // What it has started and has left behind.
    signalGroup(this.pid, 'SIGKILL');
    clock.after(lastWordsMs, () => {
      this.listening.clear();
      this.bound.clear();
      for (const connection of [...this.offers.keys()]) this.settle(connection, false);
      this.end.resolve(how);
    });
  }

  private armHammer(ms: number): void {
    const { clock, graceMs } = this.around;
    this.hammer = clock.after(ms, () => this.kill(`it has not ended within ${graceMs} ms of being told to`));
  }

  private signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
