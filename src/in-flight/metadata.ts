import 'reflect-metadata';

/** Metadata keys of the decorators, with one prefix. */
export const ALLOW_DURING_SHUTDOWN = 'nestjs-drain:allow-during-shutdown';
export const MAY_ASK_READINESS = 'nestjs-drain:may-ask-readiness';
export const TRACK_IN_FLIGHT = 'nestjs-drain:track-in-flight';

/** Copies what decorators have left on `source` to the function that stands in for it. */
export function copyFunction<T extends (...args: never[]) => unknown>(source: T, target: T): T {
  Object.assign(target, source);
  for (const key of Reflect.getMetadataKeys(source) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, source), target);
  }
  Object.defineProperty(target, 'name', { configurable: true, value: source.name });
  return target;
}
