/**
 * What is measured side by side. The first is what the others are compared with; the second tells how well that can be
 * done.
 */
export const variants = [
  { name: 'bare', title: 'bare Nest' },
  { name: 'bare-again', title: 'bare Nest again' },
  { name: 'routes', title: "nestjs-drain, `httpTracking: 'routes'`" },
  { name: 'interceptor', title: "nestjs-drain, `httpTracking: 'interceptor'`" },
  { name: 'graceful-shutdown', title: 'nestjs-graceful-shutdown 2.0.0 (http-terminator inside)' },
  { name: 'http-terminator', title: 'http-terminator 3.2.0' },
];

export const frameworks = ['express', 'fastify'];

export function titleOf(name) {
  return variants.find((variant) => variant.name === name)?.title ?? name;
}
