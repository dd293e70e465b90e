import { expect, it } from '@jest/globals';
import { fastifyBindingsAreKept, fastifyBindingsOf } from '../../../../src/nest/insides/fastify.js';

const keptAs = (bindings: unknown) => ({
  [Symbol('another')]: ['other'],
  [Symbol('fastify.serverBindings')]: bindings,
});

it('The further servers of Fastify are those that it keeps, and none where it keeps something else', () => {
  expect(fastifyBindingsOf(keptAs(['server']))).toEqual(['server']);
  expect(fastifyBindingsOf(keptAs('of another version'))).toEqual([]);
  expect(fastifyBindingsOf({})).toEqual([]);
  expect([fastifyBindingsAreKept(keptAs([])), fastifyBindingsAreKept({})]).toEqual([true, false]);
});
