import { isatty } from 'node:tty';

/**
 * Reports whether PM2 runs this process, in cluster mode or in fork mode: its SIGINT is then no Ctrl-C. A terminal that
 * is opened by something under PM2 passes `pm_id` on to what is started in it.
 */
export function isUnderPm2(
  { pm_id }: NodeJS.ProcessEnv,
  isConnected = process.connected,
  isTerminal: () => boolean = () => isatty(0),
): boolean {
  return pm_id !== undefined && (isConnected || !isTerminal());
}
