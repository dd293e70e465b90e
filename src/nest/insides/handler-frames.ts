/** What calls handlers of requests, messages and events, in a line of a stack. */
const handlerFrame = /@nestjs[\\/](core[\\/]router|websockets[\\/]context|microservices[\\/]context)[\\/]/;
/** Frames that are looked at: a handler may call through many functions of its own. */
const frames = 50;

/**
 * Reports whether the caller is a handler that Nest has called, or is awaited by one. It costs nothing until it is
 * asked: V8 finds the frames of those who await by following promises.
 *
 * Relies on the folders of `@nestjs/core`, `@nestjs/websockets` and `@nestjs/microservices` that call handlers (since
 * Nest 6). Where they are not found, as in a bundle, a handler that waits for its own shutdown is neither warned of
 * nor let go.
 */
export function isCalledByHandler(): boolean {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = frames;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return typeof stack === 'string' && handlerFrame.test(stack);
}
