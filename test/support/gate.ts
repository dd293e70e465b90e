/** Holds whoever waits for it until the test opens it. */
export class Gate {
  private open!: () => void;
  private enter!: () => void;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  /** Settles when the first one waits. */
  readonly entered = new Promise<void>((resolve) => (this.enter = resolve));

  async pass(): Promise<void> {
    this.enter();
    await this.opened;
  }

  release(): void {
    this.open();
  }
}
