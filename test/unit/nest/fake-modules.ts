import { type ModulesContainer } from '@nestjs/core';

/** What Nest keeps of its modules, as far as providers and controllers are looked for in it. */
export class FakeModules extends Map<string, object> {
  private readonly providers = new Map<object, object>();
  private readonly controllers = new Map<object, object>();

  constructor(metatype?: object) {
    super();
    this.set('app', { metatype, providers: this.providers, controllers: this.controllers });
  }

  /** @param more what else Nest keeps of it: its class, or that of which it is made */
  provide(instance: unknown, more: object = {}): void {
    const token = {};
    this.providers.set(token, { token, instance, isDependencyTreeStatic: () => true, ...more });
  }

  /** Adds a controller, by its class. */
  control(metatype: unknown): void {
    this.controllers.set({}, { metatype });
  }

  get container(): ModulesContainer {
    return this as unknown as ModulesContainer;
  }
}
