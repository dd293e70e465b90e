/** Lets one waiter look again whenever something has moved: nothing is polled. */
export class Progress {
  private look: () => void = () => undefined;

  /** Something has ended, or closed. */
  made(): void {
    this.look();
  }

  /** Resolves when `isDone`, which is looked at whenever there is progress; or at the deadline. */
  until(isDone: () => boolean, deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isDone() && !deadline.aborted) return;
        this.look = () => undefined;
        deadline.removeEventListener('abort', look);
        resolve();
      };
      this.look = look;
      deadline.addEventListener('abort', look);
      look();
    });
  }
}
