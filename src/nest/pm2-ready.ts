/** The process, as far as PM2 is told through it. */
export type Pm2Worker = Pick<NodeJS.Process, 'env' | 'send' | 'connected'>;

/**
 * Tells PM2, where it waits to be told (`wait_ready`), that the application serves: then, and not before, it stops the
 * process that this one replaces.
 *
 * @see https://pm2.keymetrics.io/docs/usage/signals-clean-restart/
 */
export function tellPm2(worker: Pm2Worker = process): void {
  const { pm_id, wait_ready } = worker.env;
  if (pm_id !== undefined && wait_ready === 'true' && worker.connected) worker.send?.('ready');
}
