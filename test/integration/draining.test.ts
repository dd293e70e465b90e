import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { closeAll, platforms, start } from '../support/applications.js';
import { Gate } from '../support/gate.js';
import { request } from '../support/raw-client.js';

@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;
  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

describe.each(platforms)('A request in flight on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  async function startWithDatabase(drain?: false) {
    const gate = new Gate();
    @Controller()
    class OrdersController {
      constructor(private readonly database: Database) {}
      @Get('orders')
      async orders(): Promise<object> {
        await gate.pass();
        return { isOpen: this.database.isOpen };
      }
    }
    const running = await start(platform, { drain, controllers: [OrdersController], providers: [Database] });
    return { ...running, gate };
  }

  it('ends before any provider is destroyed', async () => {
    const { app, url, gate } = await startWithDatabase();
    const answer = request(`${url}/orders`);
    await gate.entered;
    const closed = app.close();
    setImmediate(() => gate.release());
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    await closed;
  });

  it('meets a closed database without the module', async () => {
    const { app, url, gate } = await startWithDatabase(false);
    const answer = request(`${url}/orders`);
    await gate.entered;
    const closed = app.close();
    setImmediate(() => gate.release());
    expect(await answer).toMatchObject({ body: { isOpen: false } });
    await closed;
  });
});
