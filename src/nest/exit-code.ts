import { type ProcessHost } from './process-host.js';

/**
 * How `shutdown()` is called.
 *
 * @publicApi
 */
export interface ShutdownCallOptions {
  /**
   * What the process ends with when the shutdown is over, such as 1 after a crash: it becomes `process.exitCode`,
   * unless a failure stands there already. What is no exit code counts as 1. @default as Nest ends it: by the signal,
   * or with 0
   */
  readonly exitCode?: number;
}

/** A process cannot end with more. */
const greatestExitCode = 255;

/**
 * Sets the code that the process ends with, unless a failure has been set. What is no exit code counts as a failure:
 * whoever asks for one may be handling a crash, which must not be made worse.
 */
export function setExitCode(code: number, host: Pick<ProcessHost, 'exitCode'> = process): void {
  const isExitCode = Number.isInteger(code) && code >= 0 && code <= greatestExitCode;
  if (!Number(host.exitCode)) host.exitCode = isExitCode ? code : 1;
}
