import { type FromSupervisor, type FromWorker, opened } from '../protocol.js';

/** The way to the supervisor. */
export class Channel {
  private holds = 1;

  constructor(hear: (message: FromSupervisor, handle: unknown) => void, lost: () => void) {
    process.on('message', (message, handle) => {
      const told = opened<FromSupervisor>(message);
      if (told) hear(told, handle);
    });
    process.once('disconnect', lost);
  }

  tell(message: FromWorker): void {
    // It is lost with the supervisor, and 'disconnect' tells.
    if (process.connected) process.send!({ nestjsDrain: message }, undefined, undefined, () => undefined);
  }

  /**
   * The channel holds the process open until the application listens: one that awaits `listen()`, which waits for the
   * supervisor, would end otherwise. Later the process may end by itself.
   */
  hold(): void {
    if (this.holds++ === 0) process.channel?.ref();
  }

  release(): void {
    if (--this.holds === 0) process.channel?.unref();
  }
}
