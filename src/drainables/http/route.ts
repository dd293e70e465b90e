/** A route of the application: what names a request in the report, and tells whether it is served during a shutdown. */
export interface Route {
  readonly method: string;
  /** The path as it was registered, parameters and all: never the raw URL. */
  readonly pattern: string;
  /** Served for as long as the listener is open, and no traffic: marked `@AllowDuringShutdown()`, or learnt. */
  isHealth: boolean;
}

/**
 * The routes that are served during a shutdown.
 *
 * `couldMatch` is a first pass over the raw URL and may say yes too often; the route that is reached decides.
 */
export class HealthRoutes {
  private readonly matchers: { method: string; matches: RegExp }[] = [];

  add(route: Route): void {
    route.isHealth = true;
    this.matchers.push({ method: route.method, matches: matcher(route.pattern) });
  }

  /** Reports whether a request for `url` could reach a health route. */
  couldMatch(method = '', url = ''): boolean {
    const path = url.split('?', 1)[0] ?? '';
    return this.matchers.some(
      (each) =>
        (each.method === method || each.method === 'ALL' || (each.method === 'GET' && method === 'HEAD')) &&
        each.matches.test(path),
    );
  }
}

function matcher(pattern: string): RegExp {
  const segments = pattern.split('/').filter((segment) => segment !== '');
  const source = segments
    .map((segment) => {
      if (segment.includes('*') || segment.includes('(') || segment.includes('{')) return '/.*';
      if (segment.includes(':')) return '/[^/]+';
      return '/' + segment.replace(/[\\^$.|?+[\]]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}/?$`, 'i');
}
