import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { type ModulesContainer } from '@nestjs/core';
import {
  importsListedBy,
  injectablesOf,
  modulesHaveDistances,
  placeModule,
} from '../../../../src/nest/insides/modules.js';

class First {}
class Second {}
const containerOf = (...modules: object[]) => new Map(modules.entries()) as unknown as ModulesContainer;

it('A module is placed alone, by its class', () => {
  const [first, second] = [
    { metatype: First, distance: 1 },
    { metatype: Second, distance: 1 },
  ];
  placeModule(containerOf(first, second), Second, -1);
  expect([first.distance, second.distance]).toEqual([1, -1]);
});

it('Modules have distances only where each of them has one', () => {
  expect(modulesHaveDistances(containerOf({ distance: 1 }, { distance: 2 }))).toBe(true);
  expect(modulesHaveDistances(containerOf({ distance: 1 }, {}))).toBe(false);
});

it('The injectables of all modules are listed, of those that keep none as well', () => {
  const [guard, pipe] = [{ token: 'guard' }, { token: 'pipe' }];
  const modules = [{ injectables: new Map([['guard', guard]]) }, {}, { injectables: new Map([['pipe', pipe]]) }];
  expect(injectablesOf(containerOf(...modules))).toEqual([guard, pipe]);
});

it('The imports of a class are those of its decorator, and none where it has none', () => {
  Reflect.defineMetadata('imports', [Second], First);
  expect(importsListedBy(First)).toEqual([Second]);
  expect(importsListedBy(Second)).toEqual([]);
});
