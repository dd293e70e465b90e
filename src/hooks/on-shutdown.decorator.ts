import 'reflect-metadata';
import { DrainError } from '../sequence/errors.js';
import { type HookPhase } from '../sequence/hooks.js';
import { checkHook } from './check-hook.js';
import { type HookOptions } from './hook-registry.js';

export const ON_SHUTDOWN = 'nestjs-drain:on-shutdown';

/** What `@OnShutdown()` leaves on a method. */
export interface OnShutdownMetadata {
  readonly phase: HookPhase;
  readonly options: HookOptions;
}

/**
 * Makes a method of a provider a hook: it runs in one phase of the shutdown. The method is given a `ShutdownContext`,
 * and what it returns is awaited.
 *
 * - `lame-duck`: readiness has failed, everything is still served. The hook may hold the phase, up to its `timeoutMs`
 *   (a leader that hands over first).
 * - `draining`: runs beside the drain, which waits for it.
 * - `releasing`: in-flight work has ended; Nest's own destroy hooks come after it.
 *
 * Lower orders run first, equal orders side by side. One that throws, rejects or hangs is named in the report and never
 * stops the next.
 *
 * @throws DrainError `DRAIN_MISPLACED_DECORATOR` when it stands on something that is no method, `DRAIN_INVALID_OPTION`
 * for a phase or an option that makes no sense
 * @publicApi
 */
export function OnShutdown(phase: HookPhase, options: HookOptions = {}): MethodDecorator {
  return (target, property, descriptor) => {
    const method = descriptor?.value as unknown;
    const where = `${target.constructor.name}.${String(property)}`;
    if (typeof method !== 'function') {
      throw new DrainError(
        'DRAIN_MISPLACED_DECORATOR',
        `Expected @OnShutdown() on a method, got it on ${where}. Put it on a method of a provider.`,
      );
    }
    checkHook(`@OnShutdown() of ${where}`, phase, options);
    const metadata: readonly OnShutdownMetadata[] = [
      ...((Reflect.getMetadata(ON_SHUTDOWN, method) as OnShutdownMetadata[] | undefined) ?? []),
      { phase, options: { ...options, name: options.name ?? where } },
    ];
    Reflect.defineMetadata(ON_SHUTDOWN, metadata, method);
  };
}
