import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { applicationOf } from './drained-application.js';

/**
 * The first module in the order of destroy hooks: the drain happens in its own, and Nest waits for it before it
 * destroys any provider, on 11 and 12 and in every kind of application. It holds nothing else.
 *
 * @internal
 */
@Module({})
export class DrainFirstModule implements OnModuleDestroy {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  async onModuleDestroy(): Promise<void> {
    await applicationOf(this.modules)?.begin();
  }
}
