import * as timers from 'node:timers';

/**
 * The timers of Node, taken once, when this module is loaded: tests that put fake ones in their place (Jest, Vitest,
 * Sinon) do not stop a shutdown.
 */
export const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers;
