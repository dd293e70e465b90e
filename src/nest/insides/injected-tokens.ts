/** What `target` has injected: by the types of its constructor, by `@Inject()` there, and by `@Inject()` on its properties. */
export function injectedTokensOf(target: object): unknown[] {
  const byType = (Reflect.getMetadata('design:paramtypes', target) as unknown[] | undefined) ?? [];
  const byToken = (Reflect.getMetadata('self:paramtypes', target) as { param: unknown }[] | undefined) ?? [];
  const byProperty = (Reflect.getMetadata('self:properties_metadata', target) as { type: unknown }[] | undefined) ?? [];
  return [...byType, ...byToken.map(({ param }) => param), ...byProperty.map(({ type }) => type)];
}
