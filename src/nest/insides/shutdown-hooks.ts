/** A listener whose text is shorter says too little to be told from others. Nest's has some 600 characters. */
const leastLength = 80;

/** The text of the class `NestApplicationContext`, of each Nest that the process has loaded. */
const contexts = new Set<string>();

/** From here on the listeners of applications of this class, `NestApplicationContext`, are recognised. */
export function recogniseListenersOf(context: { toString(): string }): void {
  contexts.add(String(context));
}

/**
 * Reports whether a listener for a signal is the one that `enableShutdownHooks()` adds, of whichever application.
 *
 * Relies on that listener being written inside the class `NestApplicationContext`: its text is part of the text of the
 * class (since Nest 5, and whatever a minifier does). Where it is not recognised, Nest's own listener is taken for one
 * of the application's: it is warned of at bootstrap, and `shutdown()` drains without closing the application.
 */
export function isNestsShutdownListener(listener: unknown): boolean {
  const text = String(listener);
  return text.length >= leastLength && [...contexts].some((context) => context.includes(text));
}
