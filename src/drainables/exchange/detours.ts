/** So many are remembered: where a middleware strips whatever it finds, clients can make up any number. */
const detoursMax = 16;

/**
 * The ways by which requests have come to routes whose patterns do not match the URLs that they arrived with: by a
 * prefix that a middleware strips, through an application that another one mounts, or by any other rewriting. Each is
 * learnt when a request has reached its route.
 */
export class Detours {
  /** In order of use, the latest last. A prefix ends in no slash; a whole path stands for itself. */
  private readonly known = new Map<string, 'prefix' | 'path'>();

  /**
   * A request has reached its route.
   *
   * @param arrived the path that it arrived with
   * @param reached the path that the route saw
   */
  learn(arrived: string, reached: string): void {
    const isPrefix = arrived !== reached && arrived.endsWith(reached);
    const way = isPrefix ? arrived.slice(0, -reached.length) : arrived;
    // Added behind all others, if it was there before, too.
    this.known.delete(way);
    this.known.set(way, isPrefix ? 'prefix' : 'path');
    if (this.known.size > detoursMax) this.known.delete(this.known.keys().next().value!);
  }

  /** Reports whether a request for `path` comes by a known way, and `matches` says so of what is left of a prefix. */
  leadTo(path: string, matches: (rest: string) => boolean): boolean {
    for (const [way, kind] of this.known) {
      if (kind === 'path' ? path === way : path.startsWith(way) && matches(path.slice(way.length))) return true;
    }
    return false;
  }
}
