/** A handler of events, as far as it is met here. */
export interface EventHandler {
  handle(event: object): unknown;
}

/** What Nest keeps of the provider that is a handler of events. */
export interface HandlerWrapper {
  readonly instance?: EventHandler;
  readonly metatype?: unknown;
}

/** `EventBus` of @nestjs/cqrs, as far as it is met here. None of it is public. */
export interface EventBus {
  /** Is given each handler once for each of its events, at bootstrap. */
  bind(handler: HandlerWrapper, id: string): void;
  /** Makes handlers of request scope, for each event one. */
  moduleRef?: { resolve(metatype: unknown, ...rest: unknown[]): Promise<EventHandler> };
}

/** `CommandBus` of @nestjs/cqrs. Sagas execute their commands by it, too. */
export interface CommandBus {
  execute(command: object, ...rest: unknown[]): Promise<unknown>;
}
