/** DI tokens, with one prefix. */
export const DRAIN_CORE = Symbol.for('nestjs-drain:core');
/** `GracefulShutdown`, for entries of this package that do not import its class. */
export const DRAIN_SHUTDOWN = Symbol.for('nestjs-drain:shutdown');
export const DRAIN_OPTIONS = Symbol.for('nestjs-drain:options');
