import { afterEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { isLoggerClosed } from '../../../../src/nest/insides/closed-logger.js';

const given: unknown = Reflect.get(Logger, 'staticInstanceRef');
afterEach(() => void Reflect.set(Logger, 'staticInstanceRef', given));

function fail(): never {
  throw new Error('must not be touched');
}

it.each([
  ['it is a stream that has ended', { writableEnded: true }, true],
  ['it hands over to one', { logger: { writableEnded: true } }, true],
  ['it hands over to one that was destroyed', { logger: { writableEnded: false, destroyed: true } }, true],
  ['it hands over to one that is open', { logger: { writableEnded: false, destroyed: false } }, false],
  ['it hands over to what is no stream', { logger: { destroyed: true }, level: 'log', context: null }, false],
  ['only a getter would tell', Object.defineProperty({}, 'stream', { get: fail, enumerable: true }), false],
  ['there is none', undefined, false],
  ['it is null', null, false],
])('It is told whether the logger of an application is closed where %s', (_, logger, isClosed) => {
  Reflect.set(Logger, 'staticInstanceRef', logger);
  expect(isLoggerClosed()).toBe(isClosed);
});
