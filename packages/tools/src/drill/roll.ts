import { type Backend, type Balancer } from './balancer.js';
import { within } from './timing.js';

/** What is rolled: how one more replica is brought into traffic, and how one is brought out of it and ended. */
export interface Rolled<Member> {
  readonly takeIn: () => Promise<Member>;
  readonly takeOut: (member: Member) => Promise<void>;
}

/**
 * The first replicas, which start side by side. Rejects with the first error, when none is still starting behind its
 * back.
 */
export async function firstGeneration<Member>(count: number, { takeIn }: Rolled<Member>): Promise<Member[]> {
  const starting = Array.from({ length: count }, () => takeIn());
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

/**
 * Replaces every replica, as Kubernetes does with `maxSurge: 1, maxUnavailable: 0`: the successor is taken in, then the
 * old one is taken out, and the next follows.
 *
 * @returns the successors
 */
export async function rollGeneration<Member>(
  generation: readonly Member[],
  { takeIn, takeOut }: Rolled<Member>,
): Promise<Member[]> {
  const successors: Member[] = [];
  for (const old of generation) {
    successors.push(await takeIn());
    await takeOut(old);
  }
  return successors;
}

/** Has the balancer send new connections to a backend that is ready. Rejects when it does not within `withinMs`. */
export async function putInRotation(balancer: Balancer, backend: Backend, withinMs: number): Promise<void> {
  await balancer.add(backend);
  await within(withinMs, `Rotation of ${backend.name}`, balancer.whenInRotation(backend));
}
