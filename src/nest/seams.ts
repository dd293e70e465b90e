import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { APPLICATION_LIFECYCLE } from './tokens.js';

/**
 * The moments of an application that the shutdown hangs on.
 *
 * @internal
 */
export interface ApplicationLifecycle {
  /** Resolves when Nest may destroy the first provider. Never rejects. */
  begin(): Promise<void>;
  /** @param signal what Nest closes for, if anything */
  hostClosed(signal?: string): Promise<void>;
}

/**
 * Puts a module at an end of the order in which Nest runs hooks. It must happen in a constructor: Nest caches the order at the first hook.
 */
function placeAt(distance: number, module: object, modules: ModulesContainer): void {
  for (const each of modules.values()) if (each.metatype === module) each.distance = distance;
}

/** Its `onModuleDestroy` is the first of all, and awaited: the drain happens here, on 11 and 12, whatever kind of application it is. */
@Injectable()
class FirstSeam implements OnModuleDestroy {
  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(APPLICATION_LIFECYCLE) private readonly lifecycle: ApplicationLifecycle,
  ) {
    placeAt(-1, FirstSeamModule, modules);
  }

  onModuleDestroy(): Promise<void> {
    return this.lifecycle.begin();
  }
}

/** Its `onApplicationShutdown` is the last of all: the report and the exit code are settled here. */
@Injectable()
class LastSeam implements OnApplicationShutdown {
  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(APPLICATION_LIFECYCLE) private readonly lifecycle: ApplicationLifecycle,
  ) {
    placeAt(Infinity, LastSeamModule, modules);
  }

  onApplicationShutdown(signal?: string): Promise<void> {
    return this.lifecycle.hostClosed(signal);
  }
}

/** @internal */
@Module({ providers: [FirstSeam] })
export class FirstSeamModule {}

/** @internal */
@Module({ providers: [LastSeam] })
export class LastSeamModule {}
