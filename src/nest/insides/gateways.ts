import { type ApplicationConfig } from '@nestjs/core';
import { type MessageBinding, type MessageHandler } from '../../drainables/websockets/message-seam.js';

/** A WebSocket adapter of Nest, as far as it is met here: every one has these methods. */
export interface SocketAdapter {
  create(port: number, options?: unknown): unknown;
  bindMessageHandlers(client: object, handlers: MessageHandler[], transform: MessageBinding['transform']): unknown;
  bindClientDisconnect?(client: object, callback: (reason?: unknown) => void): unknown;
}

/**
 * Calls `meet` with every WebSocket adapter that the application is given: the one it has, and those set later. Nest
 * makes the default adapter only when it needs it, before the module's `configure()`.
 *
 * Relies on `ApplicationConfig.setIoAdapter()` and `getIoAdapter()` (since Nest 4). Where they are missing, clients of
 * gateways are neither told to leave nor waited for.
 *
 * @returns a function that ends it
 */
export function watchSocketAdapters(config: ApplicationConfig, meet: (adapter: unknown) => void): () => void {
  if (!socketAdaptersAreTold(config)) return () => undefined;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the config again
  const original = config.setIoAdapter;
  let isOver = false;
  const standIn: typeof original = (adapter) => {
    if (!isOver) meet(adapter);
    original.call(config, adapter);
  };
  config.setIoAdapter = standIn;
  meet(config.getIoAdapter());
  return () => {
    isOver = true;
    if (config.setIoAdapter === standIn) config.setIoAdapter = original;
  };
}

/** Reports whether `watchSocketAdapters` has any effect. */
export function socketAdaptersAreTold(config: Partial<ApplicationConfig>): boolean {
  return typeof config.setIoAdapter === 'function' && typeof config.getIoAdapter === 'function';
}

/**
 * The HTTP servers that an adapter makes gateways listen on: the application's own, and that of a port of their own,
 * which gateways may share.
 *
 * Relies on `AbstractWsAdapter.httpServer` (since Nest 4) and `WsAdapter.httpServersRegistry`, a map by port (since
 * @nestjs/platform-ws 7). Where the latter is missing, handshakes that arrive late on a port of its own are not
 * refused.
 */
export function httpServersOf(adapter: object, port: number): readonly unknown[] {
  const { httpServer, httpServersRegistry } = adapter as { httpServer?: unknown; httpServersRegistry?: unknown };
  const ofPort: unknown = httpServersRegistry instanceof Map ? httpServersRegistry.get(port) : undefined;
  return [httpServer, ofPort];
}

/**
 * Reports whether a class is a gateway.
 *
 * Relies on the metadata `websockets:is_gateway` (since @nestjs/websockets 4). Where it is missing, the hooks of
 * gateways (`handleConnection`, `handleDisconnect`) are not waited for.
 */
export function isGateway(metatype: object): boolean {
  return Reflect.hasMetadata('websockets:is_gateway', metatype);
}

/**
 * The message that a gateway's method handles, if it handles one.
 *
 * Relies on the metadata `message` (since @nestjs/websockets 4). Where it is missing, the report names a message by
 * its pattern instead of the method that handles it.
 */
export function messageHandledBy(method: object): unknown {
  return Reflect.getMetadata('message', method);
}
