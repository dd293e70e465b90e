import { NestApplicationContext } from '@nestjs/core';

/** A listener whose text is shorter says too little to be told from others. Nest's has some 600 characters. */
const leastLength = 80;

/**
 * Reports whether a listener for a signal is the one that `enableShutdownHooks()` adds, of whichever application.
 *
 * Relies on that listener being written inside the class `NestApplicationContext`: its text is part of the text of the
 * class (since Nest 5, and whatever a minifier does). Where it is not recognised, Nest's own listener is taken for one
 * of the application's: it is warned of at bootstrap, and `shutdown()` drains without closing the application.
 */
export function isNestsShutdownListener(listener: unknown): boolean {
  const text = String(listener);
  return text.length >= leastLength && String(NestApplicationContext).includes(text);
}
