import { type TransportServer } from './transport.js';

/** A handler as `addHandler()` of Nest's servers leaves it. */
export interface BoundHandler {
  readonly isEventHandler?: boolean;
  /** What stands beside the pattern in its decorator. */
  readonly extras?: { readonly qos?: number };
}

/** A server that subscribes to a topic, or a channel, for each pattern. */
export interface SubscribingServer extends TransportServer {
  readonly messageHandlers?: ReadonlyMap<string, BoundHandler>;
  /** The topic of the calls of a pattern. Events come to the pattern itself. */
  getRequestPattern?(pattern: string): string;
}

/** To what the server has subscribed, with the handler of each. */
export function topicsOf(server: SubscribingServer): readonly (readonly [topic: string, handler: BoundHandler])[] {
  return Array.from(server.messageHandlers ?? [], ([pattern, handler]) => [
    handler.isEventHandler ? pattern : (server.getRequestPattern?.(pattern) ?? pattern),
    handler,
  ]);
}

/** The first of these names, in quotes, and how many there are beside. */
export function named(names: readonly string[]): string {
  const first = names.slice(0, 3).map((name) => `'${name}'`);
  const others = names.length - first.length;
  return `${first.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}
