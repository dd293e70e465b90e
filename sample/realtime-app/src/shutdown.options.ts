import type { GracefulShutdownOptions } from 'nestjs-drain';

export const shutdownOptions: GracefulShutdownOptions = {
  drainTimeoutMs: 10_000,
  /**
   * A stream that ends tells its `EventSource` to come back after 100 to 300 ms; by itself a browser waits about 3 s.
   */
  eventStreams: { retryMs: 200 },
};
