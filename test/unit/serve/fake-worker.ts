import { type FakeClock } from '../../support/fake-clock.js';
import { Deferred } from '../../../src/sequence/deferred.js';
import { type ConnectionHandle } from '../../../src/serve/insides.js';
import { type Manner } from '../../../src/serve/protocol.js';
import { type Release } from '../../../src/serve/release.js';
import { type Worker, type WorkerPhase } from '../../../src/serve/worker.js';

/** A worker without a process: a test says when it is ready, and when it ends. */
export class FakeWorker implements Worker {
  phase: WorkerPhase = 'starting';
  rss = 0;
  pending = 0;
  standing = 'it has not listened yet';
  retired?: Manner;
  killed?: string;
  /** It serves when a test calls `accept()`, and not at once. */
  acceptsLater = false;
  readonly pid: number;
  readonly startedAt: number;
  readonly ready: Promise<void>;
  readonly gone: Promise<string>;
  /** Since when its event loop does not turn. */
  hungAt?: number;
  private readonly served = new Deferred<void>();
  private readyNow!: () => void;
  private goneNow!: (how: string) => void;
  private static pids = 0;

  constructor(
    readonly release: Release,
    readonly place: number,
    private readonly clock: FakeClock,
  ) {
    this.pid = ++FakeWorker.pids;
    this.startedAt = clock.now();
    this.ready = new Promise((resolve) => (this.readyNow = resolve));
    this.gone = new Promise((resolve) => (this.goneNow = resolve));
  }

  becomeReady(): void {
    this.phase = 'ready';
    this.readyNow();
  }

  accept(): void {
    if (this.phase === 'ready') this.phase = 'serving';
    this.served.resolve();
  }

  end(how = 'exit code 1'): void {
    this.phase = 'gone';
    this.served.resolve();
    this.goneNow(how);
  }

  serve(): Promise<void> {
    if (!this.acceptsLater) this.accept();
    return this.served.promise;
  }

  retire(manner: Manner): void {
    this.retired = manner;
    if (this.phase !== 'gone') this.phase = 'retiring';
    this.served.resolve();
  }

  get silentMs(): number {
    return this.hungAt === undefined ? 0 : this.clock.now() - this.hungAt;
  }

  heard(): Promise<void> {
    return this.hungAt === undefined ? Promise.resolve() : new Promise(() => undefined);
  }

  kill(why: string): void {
    this.killed = why;
    this.end(`SIGKILL: ${why}`);
  }

  offer(_key: string, _client: ConnectionHandle, settled: (isTaken: boolean) => void): void {
    settled(true);
  }
}
