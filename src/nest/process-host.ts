/** The process, as far as a shutdown meets it; tests give another one. */
export type ProcessHost = Pick<
  NodeJS.Process,
  'pid' | 'exitCode' | 'listeners' | 'listenerCount' | 'on' | 'off' | 'prependListener' | 'kill' | 'exit'
>;
