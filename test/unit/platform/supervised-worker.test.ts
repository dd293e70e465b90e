import { afterEach, expect, it, jest } from '@jest/globals';

/** A copy of the package, as the preload and the application may each have one. */
async function copy() {
  jest.resetModules();
  return import('../../../src/platform/supervised-worker.js');
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, Symbol.for('nestjs-drain.supervised-worker'));
});

it('A supervised worker is one for every copy of the package, and is made once', async () => {
  const [preload, application] = [await copy(), await copy()];
  expect(application.supervisedWorker).not.toBe(preload.supervisedWorker);
  expect(application.supervisedWorker()).toBeUndefined();
  const worker = preload.becomeSupervisedWorker();
  expect(application.supervisedWorker()).toBe(worker);
  expect(application.becomeSupervisedWorker()).toBe(worker);
});
