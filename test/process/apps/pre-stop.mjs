/** An application with a controller that its settings name by its file, and a request that lasts as long as its test wants. */
import { Controller, Get } from '@nestjs/common';
import { AllowDuringShutdown, GracefulShutdown } from 'nestjs-drain';
import { pathToFileURL } from 'node:url';
import { create, decorate, enableHooks, follow, injectable, listen, settings, tell, told } from './kit.mjs';

class Orders {
  async held() {
    tell('held');
    await told('release');
    return {};
  }
}
Controller()(injectable(Orders));
decorate(Orders, 'held', Get('held'));

/** What the recipe does not do: its own connection is one of those that the drain waits for. */
class Impatient {
  constructor(shutdown) {
    // Read before a shutdown, it is the drain of everything.
    this.drained = shutdown.drained;
  }
  stop() {
    process.kill(process.pid, 'SIGTERM');
    return this.drained;
  }
}
Controller()(injectable(Impatient, GracefulShutdown));
decorate(Impatient, 'stop', Get('pre-stop'), AllowDuringShutdown());

const { PreStopController = Impatient } = settings.controller ? await import(pathToFileURL(settings.controller)) : {};
const app = await create({ controllers: [Orders, PreStopController] });
enableHooks(app);
follow(app);
await listen(app);
