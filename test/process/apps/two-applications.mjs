/** Two applications in one process. The first is idle, or has a hook that fails; a request is held in the second. */
import { Controller, Get } from '@nestjs/common';
import { GracefulShutdown } from 'nestjs-drain';
import { create, decorate, enableHooks, follow, injectable, listen, settings, tell, told } from './kit.mjs';

class HeldController {
  async held() {
    tell('held');
    await told('release');
    return 'x'.repeat(64 * 1024);
  }
}
Controller()(injectable(HeldController));
decorate(HeldController, 'held', Get('held'));

const applications = { idle: await create({}), busy: await create({ controllers: [HeldController] }) };
for (const [name, app] of Object.entries(applications)) {
  enableHooks(app);
  follow(app, name);
}
if (settings.failing) {
  const shutdown = applications[settings.failing].get(GracefulShutdown);
  shutdown.onShutdown('releasing', () => Promise.reject(new Error('the queue did not answer')));
}
await listen(applications.idle, 'idle');
await listen(applications.busy, 'busy');
