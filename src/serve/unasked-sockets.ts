import { type Clock, type ClockTimer } from '../sequence/clock.js';
import { type ListeningSockets } from './listening-sockets.js';
import { type Supervisor } from './supervisor.js';
import { type Worker } from './worker.js';

/** A version may ask for a port a little later than it is ready, ms. */
const askedWithinMs = 5_000;

/** What is looked at: which sockets the workers ask for. */
interface Asking extends Pick<Supervisor, 'release'> {
  readonly places: readonly { readonly isServing: boolean }[];
  readonly workers: readonly { readonly keys: readonly string[] }[];
}

/** Closes the sockets that no worker asks for any more: their clients are refused, and do not wait for nobody. */
export class UnaskedSockets {
  private timer?: ClockTimer;

  constructor(
    private readonly clock: Clock,
    private readonly asking: Asking,
    private readonly sockets: Pick<ListeningSockets, 'keepOnly'>,
  ) {}

  closeSoon(): void {
    this.timer?.cancel();
    this.timer = this.clock.after(askedWithinMs, () => this.close());
    this.timer.unref?.();
  }

  /** A worker of another version may be the last one that asks for a socket, for as long as it lives. */
  follow<W extends Pick<Worker, 'release' | 'gone'>>(worker: W): W {
    void worker.gone.then(() => worker.release !== this.asking.release && this.closeSoon());
    return worker;
  }

  private close(): void {
    const { places, workers } = this.asking;
    // Whoever starts again will ask for the same.
    if (!places.every(({ isServing }) => isServing)) return this.closeSoon();
    void this.sockets.keepOnly(new Set(workers.flatMap(({ keys }) => keys)));
  }
}
