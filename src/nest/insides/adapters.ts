type AnyFunction = (...args: unknown[]) => unknown;

/**
 * Runs `first` whenever Nest is about to close an application on this HTTP adapter. Nest waits for it.
 *
 * Relies on `HttpServer.beforeClose()`, which Nest calls before every hook (since @nestjs/core 12). Nest 11 has no such
 * step, and needs none: there nothing comes before the first destroy hook. Were it to vanish from Nest 12, Express
 * would answer 503 in the lame duck under `return503OnClosing`.
 */
export function runBeforeClose(adapter: object, first: () => Promise<void>): void {
  const target = adapter as { beforeClose?: unknown };
  const original = target.beforeClose;
  if (typeof original !== 'function') return;
  target.beforeClose = async function (this: unknown, ...args: unknown[]): Promise<void> {
    await first();
    await (original as AnyFunction).apply(this, args);
  };
}

/**
 * Asks `mayListen` whenever the application is told to listen. It may throw; where it says no, nothing happens.
 *
 * Relies on `HttpServer.listen()`, which Nest calls through the adapter (since Nest 4). Where it is missing, Express
 * serves again when it is told to listen after it has been closed.
 */
export function guardListen(adapter: object, mayListen: () => boolean): void {
  const target = adapter as { listen?: unknown };
  const original = target.listen;
  if (typeof original !== 'function') return;
  target.listen = function (this: unknown, ...args: unknown[]): unknown {
    return mayListen() ? (original as AnyFunction).apply(this, args) : undefined;
  };
}
