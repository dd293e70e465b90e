import { type ProcessHost } from './process-host.js';

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
