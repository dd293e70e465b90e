/** What readiness probes were told. The lame duck waits until one has been told that the replica is not ready. */
export class Probes {
  private asked = false;
  private readonly failure = new AbortController();

  /** A probe asked, and was told whether the replica is ready. */
  answered(isReady: boolean): void {
    this.asked = true;
    if (!isReady) this.failure.abort();
  }

  /** Reports whether a probe has ever asked. */
  get haveAsked(): boolean {
    return this.asked;
  }

  /** Aborts when a probe has been told that the replica is not ready. */
  get failureSeen(): AbortSignal {
    return this.failure.signal;
  }
}
