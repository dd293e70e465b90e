/** How much memory this process holds, in bytes. Node opens a file to tell it: without a descriptor left it is 0. */
export function memoryHeld(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
