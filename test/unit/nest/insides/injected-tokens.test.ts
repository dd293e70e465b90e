import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { Inject } from '@nestjs/common';
import { injectedTokensOf, injectIsRecorded } from '../../../../src/nest/insides/injected-tokens.js';

class Clients {}

class Injecting {
  @Inject('by property') readonly property: unknown;
  constructor(@Inject('by token') readonly token: unknown) {}
}

class Typed {}
Reflect.defineMetadata('design:paramtypes', [Clients], Typed);

it('What a class has injected is known by type, by token, and by property', () => {
  expect(injectedTokensOf(Typed)).toEqual([Clients]);
  expect(injectedTokensOf(Injecting)).toEqual(expect.arrayContaining(['by token', 'by property']));
  expect(injectedTokensOf(Clients)).toEqual([]);
});

it('Whether @Inject() is recorded is told by a class that has used it', () => {
  expect([injectIsRecorded(Injecting), injectIsRecorded(Clients)]).toEqual([true, false]);
});
