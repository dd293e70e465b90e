export type Listener = (...args: unknown[]) => unknown;

/** How a listener of `eventemitter2` is called. */
export type ListenerOptions =
  boolean | { readonly async?: boolean; readonly nextTick?: boolean; readonly promisify?: boolean };

/** The `EventEmitter2` of @nestjs/event-emitter, as far as it is met here. All of it is public. */
export interface EventEmitter2 {
  on(event: unknown, listener: Listener, options?: ListenerOptions): unknown;
  addListener(event: unknown, listener: Listener, options?: ListenerOptions): unknown;
  prependListener(event: unknown, listener: Listener, options?: ListenerOptions): unknown;
  emit(event: unknown, ...values: unknown[]): boolean;
  listeners(...event: unknown[]): Listener[];
  emitAsync(event: unknown, ...values: unknown[]): Promise<unknown[]>;
}
