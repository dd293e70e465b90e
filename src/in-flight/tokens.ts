/** DI tokens, with one prefix. */
export const DRAIN_CORE = Symbol.for('nestjs-drain:core');
export const DRAIN_OPTIONS = Symbol.for('nestjs-drain:options');
