/** What readiness probes have seen. The lame duck waits until one has seen it fail. */
export class Probes {
  private probed = false;
  private readonly failure = new AbortController();

  /** A probe asked, and was told whether the replica is ready. */
  answered(isReady: boolean): void {
    this.probed = true;
    if (!isReady) this.failure.abort();
  }

  /** Reports whether anybody has ever asked. */
  get areWatching(): boolean {
    return this.probed;
  }

  /** Aborts when a probe has seen readiness fail. */
  get failureSeen(): AbortSignal {
    return this.failure.signal;
  }
}
