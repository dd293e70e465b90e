import { expect, it } from '@jest/globals';
import { isHealthCheckService, terminusDelayMs } from '../../../../src/nest/insides/terminus.js';
import { FakeModules } from '../fake-modules.js';

const token = 'TERMINUS:MODULE_OPTIONS';

it.each([
  ['by its name', token, { gracefulShutdownTimeoutMs: 3_000 }, 3_000],
  ['by a symbol of that name', Symbol(token), { gracefulShutdownTimeoutMs: 3_000 }, 3_000],
  ['where it has none', token, { gracefulShutdownTimeoutMs: 0 }, 0],
  ['where it is no number', token, { gracefulShutdownTimeoutMs: '3000' }, 0],
  ['where there are no options', token, null, 0],
  ['where another has options like that', Symbol('other'), { gracefulShutdownTimeoutMs: 3_000 }, 0],
])('The wait of Terminus is known %s', (_, itsToken, instance, ms) => {
  const modules = new FakeModules();
  modules.provide(instance, { token: itsToken });
  expect(terminusDelayMs(modules.container)).toBe(ms);
});

it("Terminus' service of health checks is a class of that name, and nothing else", () => {
  class HealthCheckService {}
  const tokens = [HealthCheckService, class Other {}, { name: 'HealthCheckService' }, 'HealthCheckService', null];
  expect(tokens.map(isHealthCheckService)).toEqual([true, false, false, false, false]);
});
