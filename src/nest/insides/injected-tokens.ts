/**
 * What a class has injected: by the types of its constructor, by `@Inject()` there, and by `@Inject()` on its
 * properties.
 *
 * Relies on the metadata `design:paramtypes`, which TypeScript writes, and `self:paramtypes` and
 * `self:properties_metadata`, which `@nestjs/common` writes (since Nest 4). Where the latter are missing, a controller
 * that injects the readiness indicator by `@Inject()` is not learnt to be a health check.
 */
export function injectedTokensOf(target: object): readonly unknown[] {
  const byType = (Reflect.getMetadata('design:paramtypes', target) as unknown[] | undefined) ?? [];
  const byToken = (Reflect.getMetadata('self:paramtypes', target) as { param: unknown }[] | undefined) ?? [];
  const byProperty = (Reflect.getMetadata('self:properties_metadata', target) as { type: unknown }[] | undefined) ?? [];
  return [...byType, ...byToken.map(({ param }) => param), ...byProperty.map(({ type }) => type)];
}

/** Reports whether `@Inject()` leaves what `injectedTokensOf` reads, on a class that has used it. */
export function injectIsRecorded(target: object): boolean {
  return Reflect.hasMetadata('self:paramtypes', target);
}
