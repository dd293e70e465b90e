/** Holds whoever waits for it until the test opens it. */
export class Gate {
  private static readonly closed = new Set<Gate>();

  /** Lets go of whoever a failed test still holds. */
  static releaseAll(): void {
    for (const gate of Gate.closed) gate.release();
  }

  private open!: () => void;
  private enter!: () => void;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  /** Settles when the first one waits. */
  readonly entered = new Promise<void>((resolve) => (this.enter = resolve));

  constructor() {
    Gate.closed.add(this);
  }

  async pass(): Promise<void> {
    this.enter();
    await this.opened;
  }

  release(): void {
    Gate.closed.delete(this);
    this.open();
  }
}
