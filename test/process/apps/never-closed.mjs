/**
 * Applications that are initialised and never closed, as in many test suites: what is left of them when nobody holds
 * them any longer, and whether the process ends by itself.
 */
import { Controller, Get } from '@nestjs/common';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { create, decorate, injectable, settings, tell } from './kit.mjs';

const count = 12;

class OrdersController {
  list() {
    return [];
  }
}
Controller()(injectable(OrdersController));
decorate(OrdersController, 'list', Get('orders'));

process.on('warning', ({ name }) => tell('warned', { name }));

const applications = [];
async function initialise() {
  const app = await create({ controllers: [OrdersController] });
  await app.init();
  // Somebody listens for signals and holds no application: without it, nothing of ours would be on the process.
  applications.push(new WeakRef(app));
}

if (settings.signals) process.on('SIGTERM', () => undefined);
for (let index = 0; index < count; index++) await initialise();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
// A few collections, with turns between them: finalisers and promises let go late.
for (let round = 0; round < 10; round++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  collect();
}
tell('collected', { kept: applications.filter((each) => each.deref()).length });
if (settings.listens) {
  const app = await create({ controllers: [OrdersController] });
  await app.listen(0, '127.0.0.1');
  app.getHttpServer().close();
  // What the event loop has waited for anything; a machine that is busy does not count.
  const { idleTime } = performance.nodeTiming;
  process.once('exit', () => tell('exits', { idleMs: performance.nodeTiming.idleTime - idleTime }));
}
