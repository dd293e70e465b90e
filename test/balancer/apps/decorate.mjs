import { Inject } from '@nestjs/common';

/** What TypeScript's compiler makes of decorators, for applications that are plain JavaScript. */

/** Decorates a class and says what its constructor is given, in that order. */
export function provider(target, tokens, ...decorators) {
  tokens.forEach((token, at) => Inject(token)(target, undefined, at));
  for (const decorator of decorators) decorator(target);
}

/** Decorates a method and its parameters, in that order. */
export function route(target, name, decorators, parameters = []) {
  const { prototype } = target;
  parameters.forEach((parameter, at) => parameter(prototype, name, at));
  for (const decorator of decorators) decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name));
}
