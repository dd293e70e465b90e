import { type AdmissionRule, type RequestHead } from '../../admission/admission.js';
import { Detours } from './detours.js';

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
 * `couldMatch` is a first pass over the raw URL and may say yes too often; the route that is reached decides. It says
 * no too often, once, where a URL is rewritten on its way to the route.
 */
export class HealthRoutes implements AdmissionRule {
  private readonly matchers: Matcher[] = [];
  private readonly allowed: readonly Matcher[];
  private readonly detours = new Detours();

  /** @param paths the option `allowDuringShutdown` */
  constructor(paths: readonly string[] = []) {
    this.allowed = paths.map((each) => {
      const [pattern = '', method = 'ALL'] = each.split(' ').reverse();
      return { method, matches: matcher(pattern) };
    });
  }

  add(route: Route): void {
    route.isHealth = true;
    this.matchers.push({ method: route.method, matches: matcher(route.pattern) });
  }

  exempts({ method, url }: RequestHead): boolean {
    return this.couldMatch(method, url);
  }

  /** Reports whether the option names the path of `url`, or of a pattern, for that method. */
  allows(method: string, url: string): boolean {
    return anyMatches(this.allowed, method, pathOf(url));
  }

  /** Reports whether a request for `url` could reach a health route. */
  couldMatch(method = '', url = ''): boolean {
    const path = pathOf(url);
    return this.matches(method, path) || this.detours.leadTo(path, (rest) => this.matches(method, rest));
  }

  /**
   * A request has reached a health route. Where its pattern does not match the URL that the request arrived with, later
   * ones are recognised by the way that this one has come.
   *
   * @param url what it arrived with
   * @param reachedUrl what is left of it at the route
   */
  reached(method: string, url: string, reachedUrl: string): void {
    const path = pathOf(url);
    if (!this.matches(method, path)) this.detours.learn(path, pathOf(reachedUrl));
  }

  private matches(method: string, path: string): boolean {
    return anyMatches(this.matchers, method, path) || anyMatches(this.allowed, method, path);
  }
}

interface Matcher {
  readonly method: string;
  readonly matches: RegExp;
}

function anyMatches(matchers: readonly Matcher[], method: string, path: string): boolean {
  return matchers.some(
    (each) =>
      (each.method === method || each.method === 'ALL' || (each.method === 'GET' && method === 'HEAD')) &&
      each.matches.test(path),
  );
}

function pathOf(url: string): string {
  // A proxy may send the absolute form: http://host/path.
  return (url.split('?', 1)[0] ?? '').replace(/^https?:\/\/[^/]*/i, '');
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
