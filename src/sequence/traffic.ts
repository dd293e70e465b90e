import { type Clock } from './clock.js';

const windowMs = 30_000;
const gapsToWaitFor = 5;

/**
 * Watches how often requests arrive, and when the last one did that shows the platform still routes here.
 *
 * Before the signal it keeps two adjacent windows of 30 s, so that the mean gap between requests is known without
 * storing any of them. After readiness has failed it records what still arrives on connections that nobody has told to
 * leave.
 */
export class Traffic {
  private windowStartedAt: number;
  private previous = 0;
  private current = 0;
  private hasPrevious = false;
  private unreadyAt?: number;
  private lastCountedAt?: number;
  private onNew: Traffic['afterUnready'] = { count: 0, firstMs: undefined, lastMs: undefined };

  constructor(private readonly clock: Clock) {
    this.windowStartedAt = clock.now();
  }

  /** A request arrived while running. */
  arrived(now: number): void {
    if (now - this.windowStartedAt >= windowMs) this.turnWindow(now);
    this.current++;
  }

  /** It was for a health route, and so no traffic. */
  discount(): void {
    if (this.current > 0) this.current--;
  }

  /** Readiness has failed: from now on what arrives is judged. */
  becomeUnready(): void {
    this.unreadyAt = this.clock.now();
    this.turnWindow(this.unreadyAt);
  }

  /**
   * A request arrived after readiness failed, and shows that the platform, or a client not yet told, still comes here.
   *
   * @returns what takes that back, for one that turns out to be for a health route
   */
  arrivedUnready(isNewConnection: boolean): () => void {
    const now = this.clock.now();
    const { lastCountedAt, onNew, unreadyAt } = this;
    this.lastCountedAt = now;
    const isOnNew = isNewConnection && unreadyAt !== undefined;
    if (isOnNew) {
      const ms = Math.round(now - unreadyAt);
      this.onNew = { count: onNew.count + 1, firstMs: onNew.firstMs ?? ms, lastMs: ms };
    }
    const counted = this.onNew;
    return () => {
      if (this.lastCountedAt === now) this.lastCountedAt = lastCountedAt;
      if (!isOnNew) return;
      // Others may have been counted meanwhile.
      this.onNew = this.onNew === counted ? onNew : { ...this.onNew, count: this.onNew.count - 1 };
    };
  }

  /** When the last request that counts against quiet arrived; the moment readiness failed if none has. */
  get quietSince(): number {
    return this.lastCountedAt ?? this.unreadyAt ?? this.clock.now();
  }

  get afterUnready(): { readonly count: number; readonly firstMs?: number; readonly lastMs?: number } {
    return { ...this.onNew };
  }

  /**
   * How long it must be quiet before quiet means something, ms: `quietMs`, or several times the mean gap between
   * requests seen before the signal, whichever is longer. Low traffic looks quiet all the time.
   */
  effectiveQuietMs(quietMs: number): number {
    return Math.max(quietMs, this.meanGapMs * gapsToWaitFor);
  }

  /** 0 when too little was seen to tell. */
  private get meanGapMs(): number {
    const seen = this.previous + this.current;
    if (seen < 2) return 0;
    const end = this.unreadyAt ?? this.clock.now();
    const start = this.hasPrevious ? this.previousStartedAt : this.windowStartedAt;
    return (end - start) / seen;
  }

  private previousStartedAt = 0;

  private turnWindow(now: number): void {
    const age = now - this.windowStartedAt;
    if (age < windowMs) return;
    this.hasPrevious = age < 2 * windowMs;
    this.previous = this.hasPrevious ? this.current : 0;
    this.previousStartedAt = this.windowStartedAt;
    this.current = 0;
    this.windowStartedAt = this.hasPrevious ? this.windowStartedAt + windowMs : now;
  }
}
