/** A handler that waits for the roll: it says that it has been reached, and goes on when it is released. */
let release: (() => void) | undefined;

export function held(): Promise<void> {
  return new Promise((resolve) => {
    release = resolve;
    process.send?.({ type: 'held' });
  });
}

export function releaseHeld(): void {
  release?.();
}
