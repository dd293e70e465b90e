/** A process that starts anew on SIGHUP, as daemons do: it closes its application, and creates the next. */
import { Controller, Get } from '@nestjs/common';
import { create, decorate, follow, injectable, listen, settings, tell, told } from './kit.mjs';

let number = 1;
class OrdersController {
  list() {
    return { number };
  }
}
Controller()(injectable(OrdersController));
decorate(OrdersController, 'list', Get('orders'));

async function start() {
  const app = await create({ controllers: [OrdersController] });
  if (number === 1) follow(app);
  await listen(app, `${number}`);
  return app;
}

let first;
process.on('SIGHUP', async () => {
  await first.close();
  number++;
  await start();
  // Later than the grace period of the first one: nothing may end the process by then.
  setTimeout(() => tell('still here'), (settings.drain?.gracePeriodMs ?? 0) + 500);
});
first = await start();
void told('end').then(() => process.exit(0));
