/** An application with a controller that its settings name by its file, and a request that lasts as long as its test wants. */
import { Controller, Get } from '@nestjs/common';
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

const { PreStopController } = await import(pathToFileURL(settings.controller));
const app = await create({ controllers: [Orders, PreStopController] });
enableHooks(app);
follow(app);
await listen(app);
