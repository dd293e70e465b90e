import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, type INestApplication, Logger } from '@nestjs/common';
import { GracefulShutdown } from '../../src/index.js';
import { closeAll, frameworks, holds, start } from '../support/applications.js';
import { Gate } from '../support/gate.js';
import { request } from '../support/raw-client.js';

const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);

afterEach(async () => {
  await closeAll();
  warn.mockClear();
});

const warnings = () =>
  warn.mock.calls.map(([message]) => String(message)).filter((each) => each.includes('in a handler'));

describe.each(frameworks)('On %s a handler', (framework) => {
  async function startAdmin(drainTimeoutMs: number) {
    const gate = new Gate();
    const apps: INestApplication[] = [];
    @Controller()
    class AdminController {
      constructor(@Inject(GracefulShutdown) private readonly shutdown: GracefulShutdown) {}
      @Get('shutdown')
      async stop() {
        return { outcome: await this.shutdown.shutdown('asked for') };
      }
      @Get('later')
      async stopLater() {
        await new Promise((resolve) => setTimeout(resolve, 10));
        void this.shutdown.shutdown('asked for');
        return { outcome: await this.outcome() };
      }
      @Get('close')
      async close() {
        await apps[0]!.close();
      }
      @Get('held')
      async held() {
        await gate.pass();
        return { held: true };
      }
      private async outcome() {
        return this.shutdown.drained;
      }
    }
    const running = await start(
      { framework, protocol: 'http' },
      { drain: { drainTimeoutMs }, controllers: [AdminController] },
    );
    apps.push(running.app);
    return { ...running, gate };
  }

  it.each(['shutdown', 'later'])('that waits for the drain (/%s) is answered, and the drain is clean', async (path) => {
    const { app, url, shutdown } = await startAdmin(10_000);
    const startedAt = performance.now();
    expect(await request(`${url}/${path}`)).toMatchObject({ status: 200, body: { outcome: 'drained' } });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await app.close();
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
    expect(warnings()).toEqual([expect.stringContaining(`request GET /${path}`)]);
  });

  it('that waits beside another request is warned of when it may be the one that is left', async () => {
    const { url, gate, shutdown } = await startAdmin(1_500);
    const held = request(`${url}/held`);
    await gate.entered;
    const stopped = request(`${url}/shutdown`).catch(() => 'cut');
    await holds(() => shutdown.drainingSignal.aborted);
    gate.release();
    expect(await held).toMatchObject({ status: 200, body: { held: true } });
    await expect(stopped).resolves.toBe('cut');
    expect(warnings()).toHaveLength(1);
  });

  it('that waits for app.close() is warned of', async () => {
    const { url, shutdown } = await startAdmin(1_200);
    await request(`${url}/close`).catch(() => undefined);
    await shutdown.closed;
    expect(warnings()).toEqual([expect.stringContaining('app.close() was called in a handler')]);
  });

  it('that is slow is neither warned of nor let go when somebody else shuts down', async () => {
    const { url, gate, shutdown } = await startAdmin(10_000);
    const held = request(`${url}/held`);
    await gate.entered;
    const drained = shutdown.shutdown('by main.ts');
    let isOver = false;
    void drained.then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(isOver).toBe(false);
    gate.release();
    expect(await held).toMatchObject({ status: 200 });
    expect(await drained).toBe('drained');
    expect(warnings()).toEqual([]);
  });
});
