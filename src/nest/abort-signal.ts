import { isNestsShutdownListener } from './insides/shutdown-hooks.js';
import { type ProcessHost } from './process-host.js';

/**
 * Takes SIGABRT from Nest's shutdown hooks. systemd sends it to a process that hangs, and expects that it dies at once.
 * `enableShutdownHooks()` listens for it, unless it is told which signals to listen for. An event loop that hangs calls
 * no listener, and so the process would live until SIGKILL, which is after TimeoutStopSec.
 */
export function leaveAbortToKernel(host: ProcessHost = process): void {
  for (const listener of host.listeners('SIGABRT')) {
    if (isNestsShutdownListener(listener)) host.off('SIGABRT', listener);
  }
}
