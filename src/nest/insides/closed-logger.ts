import { Logger } from '@nestjs/common';

/**
 * Reports whether the logger that the application has given Nest writes to a stream that has ended: winston, closed in
 * a destroy hook, drops lines without a word.
 *
 * Relies on `Logger.staticInstanceRef` (since Nest 8). Where it is missing, a report that such a logger drops is not
 * written to stderr.
 */
export function isLoggerClosed(): boolean {
  const logger: unknown = Reflect.get(Logger, 'staticInstanceRef');
  if (typeof logger !== 'object' || logger === null) return false;
  if (hasEnded(logger)) return true;
  // Loggers for Nest keep the one that they hand over to as a property of their own. Getters are not touched.
  return Object.values(Object.getOwnPropertyDescriptors(logger)).some(({ value }) => hasEnded(value));
}

function hasEnded(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { writableEnded, destroyed } = value as { writableEnded?: unknown; destroyed?: unknown };
  return writableEnded === true || (writableEnded === false && destroyed === true);
}
