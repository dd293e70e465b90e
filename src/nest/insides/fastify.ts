/** An instance of Fastify: the application's, or that of one of its plugins. */
export interface FastifyInstance {
  addHook?(name: string, hook: (...args: never[]) => void): unknown;
}

/** The Fastify instance under an HTTP adapter; nothing under another adapter. Relies on nothing private. */
export function fastifyOf(adapter: { getType?(): string; getInstance?(): unknown }): FastifyInstance | undefined {
  return adapter.getType?.() === 'fastify' ? (adapter.getInstance?.() as FastifyInstance | undefined) : undefined;
}

/**
 * The further servers of a Fastify instance: listening on `localhost` it binds each address with a server of its own.
 *
 * Relies on the symbol described `fastify.serverBindings`, a list of servers (since Fastify 4.7). Where it is missing,
 * requests to the second address of `localhost` (`::1`) are not drained.
 */
export function fastifyBindingsOf(instance: FastifyInstance): readonly unknown[] {
  const key = bindingsKeyOf(instance);
  const bindings = key && (instance as Record<symbol, unknown>)[key];
  return Array.isArray(bindings) ? bindings : [];
}

/** Reports whether `fastifyBindingsOf` has anywhere to look. */
export function fastifyBindingsAreKept(instance: FastifyInstance): boolean {
  return bindingsKeyOf(instance) !== undefined;
}

/**
 * The WebSocket server of `@fastify/websocket`, and with it Mercurius, on the instance of whichever plugin registered
 * it.
 *
 * Relies on the decoration `websocketServer`, which the plugin documents (since @fastify/websocket 4). Where it is
 * missing, clients of that server are not told to leave: they are cut.
 */
export function fastifyWebSocketServerOf(instance: FastifyInstance): unknown {
  return (instance as { websocketServer?: unknown }).websocketServer;
}

function bindingsKeyOf(instance: object): symbol | undefined {
  return Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.serverBindings');
}
