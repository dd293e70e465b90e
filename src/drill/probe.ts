import { get } from 'node:http';
import type { Backend } from './balancer.js';

/**
 * Reports whether a backend's readiness path answers 200, on a connection of its own, as a kubelet asks.
 * Anything else (another status, no connection, no answer within `timeoutMs`, `signal` aborted) is `false`. Never rejects.
 */
export function isReady(
  { host, port }: Backend,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = get({ host, port, path, agent: false, signal }, (answer) => {
      resolve(answer.statusCode === 200);
      answer.resume();
    });
    const overdue = setTimeout(() => probe.destroy(), timeoutMs);
    // What made it fail is told by the log of the backend, not by the probe.
    probe.on('error', () => undefined);
    probe.once('close', () => {
      clearTimeout(overdue);
      resolve(false);
    });
  });
}
