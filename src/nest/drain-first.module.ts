import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { applicationOf } from './drained-application.js';

/**
 * The first module in the order of destroy hooks: the drain happens in its own, and Nest waits for it before it
 * destroys any provider, on 11 and 12 and in every kind of application. In the order of bootstrap hooks it is the last.
 * It holds nothing else.
 *
 * @internal
 */
@Module({})
export class DrainFirstModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  onApplicationBootstrap(): void {
    applicationOf(this.modules)?.started();
  }

  async onModuleDestroy(): Promise<void> {
    await applicationOf(this.modules)?.begin();
  }
}
