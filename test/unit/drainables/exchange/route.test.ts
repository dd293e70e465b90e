import { describe, expect, it } from '@jest/globals';
import { HealthRoutes, type Route } from '../../../../src/drainables/exchange/route.js';

function routes(...patterns: (string | readonly [method: string, pattern: string])[]): HealthRoutes {
  const health = new HealthRoutes();
  for (const each of patterns) {
    const [method, pattern] = typeof each === 'string' ? ['GET', each] : each;
    health.add({ method, pattern, isHealth: false });
  }
  return health;
}

describe('HealthRoutes', () => {
  it('marks what is added', () => {
    const route: Route = { method: 'GET', pattern: '/health', isHealth: false };
    new HealthRoutes().add(route);
    expect(route.isHealth).toBe(true);
  });
});

describe('HealthRoutes.couldMatch', () => {
  it('matches nothing when no route was added', () => {
    expect(routes().couldMatch('GET', '/')).toBe(false);
  });

  it.each([
    ['/health', '/health'],
    ['/health', '/health/'],
    ['/health/', '/health'],
    ['health', '/health'],
    ['/health', '/HEALTH'],
    ['/health', '/health?full=1'],
    ['/health', '/health/?full=1'],
    ['/health', '/health?next=/orders'],
    ['/', '/'],
    ['/', '/?a'],
    ['/api/v1/health', '/api/v1/health'],
    ['/health/:name', '/health/db'],
    ['/tenants/:id/health', '/tenants/7/health'],
    ['/:version-:name/live', '/1-a/live'],
    ['/health/*', '/health/a/b'],
    ['/health/*path', '/health/a'],
    ['/health/{*path}', '/health'],
    ['/health{/:id}', '/health'],
    ['/health{/:id}', '/health/7'],
    ['/health/:id?', '/health'],
    ['/health/:id?', '/health/7'],
    ['/(live|ready)', '/live'],
    ['/health/:id(\\d+)', '/health/7'],
    ['*', '/anything/at/all'],
    ['/health.json', '/health.json'],
    // The absolute form, which a proxy may send (RFC 9112 §3.2.2).
    ['/health', 'http://10.0.0.1:3000/health'],
    ['/health', 'HTTPS://example.com/health?full=1'],
    ['/', 'http://example.com'],
  ])('lets, for %s, %s pass', (pattern, url) => {
    expect(routes(pattern).couldMatch('GET', url)).toBe(true);
  });

  it.each([
    ['/health', '/healthy'],
    ['/health', '/health/db'],
    ['/health', '/api/health'],
    ['/health', '/orders'],
    ['/health', '/orders?path=/health'],
    ['/health', '/orders#/health'],
    ['/health', '//health'],
    ['/health', '/health/../orders'],
    ['/health', '/health/./orders'],
    ['/health', '/health%2f..%2forders'],
    ['/health', '/orders/..;/health'],
    ['/health', 'http://example.com/orders'],
    ['/health', 'http://health/orders'],
    ['/health', '/http://example.com/health'],
    ['/health', '*'],
    ['/health', ''],
    ['/health/:name', '/health'],
    ['/health/:name', '/health/a/b'],
    ['/health.json', '/healthxjson'],
    ['/a$b', '/a'],
    ['/health{/:id}', '/orders'],
  ])('does not let, for %s, %s pass', (pattern, url) => {
    expect(routes(pattern).couldMatch('GET', url)).toBe(false);
  });

  it('takes HEAD for GET, and no other method for another', () => {
    const health = routes(['GET', '/health'], ['POST', '/drill']);
    expect(health.couldMatch('HEAD', '/health')).toBe(true);
    expect(health.couldMatch('POST', '/health')).toBe(false);
    expect(health.couldMatch('OPTIONS', '/health')).toBe(false);
    expect(health.couldMatch('POST', '/drill')).toBe(true);
    expect(health.couldMatch('HEAD', '/drill')).toBe(false);
    expect(health.couldMatch(undefined, undefined)).toBe(false);
  });

  it('takes every method for a route that was registered with all()', () => {
    const health = routes(['ALL', '/health']);
    for (const method of ['GET', 'HEAD', 'POST', 'PROPFIND']) expect(health.couldMatch(method, '/health')).toBe(true);
  });

  it('looks at all routes', () => {
    const health = routes('/live', '/ready');
    expect(health.couldMatch('GET', '/live')).toBe(true);
    expect(health.couldMatch('GET', '/ready')).toBe(true);
  });
});
