import {
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { APPLICATION_LIFECYCLE } from './tokens.js';

/**
 * The moments of an application that the shutdown hangs on.
 *
 * @internal
 */
export interface ApplicationLifecycle {
  /** Before the first init hook of a provider. An application that is compiled and never initialised, as in unit tests, does not come here. */
  initialising(): void;
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

/** Its `onApplicationShutdown` is the last of all: the report and the exit code are settled here. Init hooks run the other way round. */
@Injectable()
class LastSeam implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(APPLICATION_LIFECYCLE) private readonly lifecycle: ApplicationLifecycle,
  ) {
    placeAt(Infinity, LastSeamModule, modules);
  }

  onModuleInit(): void {
    this.lifecycle.initialising();
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
