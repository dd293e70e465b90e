import { get } from 'node:http';
import type { Backend } from './balancer.js';

/**
 * Reports whether a backend's readiness path answers 200, on a connection of its own, as a kubelet asks.
 * Anything else (another status, no connection, no answer within `timeoutMs`, `signal` aborted) is `false`. Never
 * rejects.
 */
export async function isReady(
  backend: Backend,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await probe(backend, path, timeoutMs, signal)) === 200;
}

/**
 * The status that a path of a backend answers, as `isReady` asks; `undefined` when there is no answer. Never rejects.
 */
export function probe(
  { host, port }: Backend,
  path: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = get({ host, port, path, agent: false, signal }, (answer) => {
      resolve(answer.statusCode);
      answer.resume();
    });
    const overdue = setTimeout(() => asked.destroy(), timeoutMs);
    // What made it fail is told by the log of the backend, not by the probe.
    asked.on('error', () => undefined);
    asked.once('close', () => {
      clearTimeout(overdue);
      resolve(undefined);
    });
  });
}
