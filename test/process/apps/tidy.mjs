/** Opens and closes an application, and tells what is left of it on the process. */
import { Controller, Get } from '@nestjs/common';
import { create, decorate, enableHooks, injectable, settings, tell } from './kit.mjs';

class OrdersController {
  list() {
    return [];
  }
}
Controller()(injectable(OrdersController));
decorate(OrdersController, 'list', Get('orders'));

/** The listeners on the process and its outputs, by event; what keeps the loop alive, by kind. */
function footprint() {
  const targets = { process, stdout: process.stdout, stderr: process.stderr };
  const listeners = Object.entries(targets).flatMap(([name, target]) =>
    target.eventNames().map((event) => [`${name} ${String(event)}`, target.listenerCount(event)]),
  );
  return { listeners: Object.fromEntries(listeners), resources: process.getActiveResourcesInfo().sort() };
}

async function openAndClose() {
  const app = await create({ controllers: [OrdersController] });
  enableHooks(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  if (settings.requests)
    await (await fetch(`http://127.0.0.1:${port}/orders`, { headers: { connection: 'close' } })).text();
  await app.close();
}

if (settings.compiles) {
  process.on('warning', ({ name }) => tell('warned', { name }));
  for (let count = 0; count < 12; count++) await create({ controllers: [OrdersController] });
}

// The first one loads what is loaded once.
await openAndClose();
const before = footprint();
await openAndClose();
tell('footprints', { before, after: footprint() });
