import { types } from 'node:util';
import { type Wrapper } from './modules.js';

/**
 * The WebSocket servers of GraphQL subscriptions that a provider keeps: those of the Apollo driver.
 *
 * Relies on `_subscriptionService`, a property of the driver, one of whose own properties is the server (since
 * @nestjs/apollo 10). Where it is missing, clients of Apollo's subscriptions are not told to leave: they are cut.
 */
export function subscriptionServersOf({ metatype, inject, instance }: Wrapper): readonly unknown[] {
  // The driver is a class. Values, and what functions have made, are not looked into: a trap or a getter may throw.
  if (typeof metatype !== 'function' || inject !== undefined) return [];
  if (typeof instance !== 'object' || instance === null || types.isProxy(instance)) return [];
  const service: unknown = Object.getOwnPropertyDescriptor(instance, '_subscriptionService')?.value;
  return typeof service === 'object' && service !== null ? Object.values(service) : [];
}
