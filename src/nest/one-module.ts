import { type ModulesContainer } from '@nestjs/core';
import { DrainError } from '../sequence/errors.js';
import { importsListedBy } from './insides/modules.js';

/** Marks the module class, so that a second copy of the package is told from the first. */
export const moduleMark: unique symbol = Symbol.for('nestjs-drain:module') as never;

/**
 * Checks that the application has this module once.
 *
 * @throws DrainError `DRAIN_DUPLICATE_PACKAGE` when two copies of the package are loaded, `DRAIN_DUPLICATE_MODULE` when
 * it was configured twice
 */
export function checkThereIsOne(moduleClass: object, modules: ModulesContainer): void {
  const records = [...modules.values()].filter(({ metatype }) => metatype && moduleMark in metatype);
  if (records.some(({ metatype }) => metatype !== moduleClass)) {
    throw new DrainError(
      'DRAIN_DUPLICATE_PACKAGE',
      'Expected one copy of nestjs-drain, got two: their decorators and their counting do not meet. A bundler, or ' +
        'a test runner that mixes import and require, has ' +
        'loaded the package twice: mark it as external, or use one of the two.',
    );
  }
  if (records.length < 2) return;
  const importers = [...modules.values()]
    .filter((each) => records.some((record) => each.imports.has(record)) && !records.includes(each))
    .map((each) => each.metatype?.name ?? String(each.token));
  // A global module is imported by every module that Nest binds it to; those that list it themselves stand in its
  // metadata.
  throw new DrainError(
    'DRAIN_DUPLICATE_MODULE',
    `Expected GracefulShutdownModule once in an application, got it ${records.length} times (imported by ` +
      `${namesOfDirect(importers, modules)}). ` +
      'Call forRoot() or forRootAsync() once, in the root module: it is global.',
  );
}

function namesOfDirect(importers: readonly string[], modules: ModulesContainer): string {
  const direct = [...modules.values()]
    .filter(({ metatype }) => metatype && listsTheModule(metatype))
    .map(({ metatype }) => metatype.name);
  return [...new Set(direct.length > 0 ? direct : importers)].join(' and ');
}

function listsTheModule(metatype: object): boolean {
  return importsListedBy(metatype).some((each) => {
    const type = (each as { module?: object } | undefined)?.module ?? each;
    return typeof type === 'function' && moduleMark in type;
  });
}
