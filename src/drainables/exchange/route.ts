import { type AdmissionRule, type RequestHead } from '../../admission/admission.js';

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
export class HealthRoutes implements AdmissionRule {
  private readonly matchers: { method: string; matches: RegExp }[] = [];

  add(route: Route): void {
    route.isHealth = true;
    this.matchers.push({ method: route.method, matches: matcher(route.pattern) });
  }

  exempts({ method, url }: RequestHead): boolean {
    return this.couldMatch(method, url);
  }

  /** Reports whether a request for `url` could reach a health route. */
  couldMatch(method = '', url = ''): boolean {
    // A proxy may send the absolute form: http://host/path.
    const path = (url.split('?', 1)[0] ?? '').replace(/^https?:\/\/[^/]*/i, '');
    return this.matchers.some(
      (each) =>
        (each.method === method || each.method === 'ALL' || (each.method === 'GET' && method === 'HEAD')) &&
        each.matches.test(path),
    );
  }
}

function matcher(pattern: string): RegExp {
  let source = '';
  for (const segment of pattern.split('/').filter((each) => each !== '')) {
    // Wildcards, groups and optional parts may span segments, or none: from here on anything could match.
    if (/[*({?+]/.test(segment)) {
      const fixed = /^[^:*({?+]*/.exec(segment)![0];
      return new RegExp(`^${source}${fixed && `/${escape(fixed)}`}.*$`, 'i');
    }
    source += segment.includes(':') ? '/[^/]+' : `/${escape(segment)}`;
  }
  return new RegExp(`^${source}/?$`, 'i');
}

function escape(literal: string): string {
  return literal.replace(/[\\^$.|[\]})]/g, '\\$&');
}
