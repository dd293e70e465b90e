/** One Ctrl-C reaches a process twice where npm or a watcher hands on what the terminal has sent it already, ms. */
export const oneKeystrokeMs = 500;
