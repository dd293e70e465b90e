import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { closeAll, start } from '../../support/applications.js';

/** What a worker of BullMQ can do, noting what it was told. */
class FakeWorker {
  readonly name = 'orders';
  readonly steps: string[] = [];
  isPaused = () => false;
  isRunning = () => true;
  async run() {}
  async pause() {
    this.steps.push('pause');
  }
  async close() {
    this.steps.push('close');
  }
}

const platform = { framework: 'express', protocol: 'http' } as const;
let worker: FakeWorker;

beforeEach(() => {
  worker = new FakeWorker();
});
afterEach(closeAll);

describe('A worker of BullMQ', () => {
  it('is found where it is a provider', async () => {
    const { app } = await start(platform, { providers: [{ provide: 'worker', useFactory: () => worker }] });
    await app.close();
    expect(worker.steps).toEqual(['pause', 'close']);
  });

  it('is found where its processor gets it after bootstrap', async () => {
    const host: { _worker?: object } = {};
    const { app } = await start(platform, { providers: [{ provide: 'processor', useFactory: () => host }] });
    host._worker = worker;
    await app.close();
    expect(worker.steps).toEqual(['pause', 'close']);
  });

  it('is drained once, though it is found in several places', async () => {
    const host = { _worker: worker };
    const providers = [
      { provide: 'worker', useFactory: () => worker },
      { provide: 'processor', useFactory: () => host },
    ];
    const { app } = await start(platform, { providers });
    await app.close();
    expect(worker.steps).toEqual(['pause', 'close']);
  });

  it('is warned of where only its queue knows it, and cannot be asked', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const queue = {
      name: 'orders',
      opts: { processors: ['send.js'] },
      addBulk: () => undefined,
      getJobCounts: () => undefined,
      onApplicationShutdown: () => undefined,
    };
    const { app } = await start(platform, { providers: [{ provide: 'queue', useFactory: () => queue }] });
    const said = warn.mock.calls.map(([message]) => String(message));
    warn.mockRestore();
    expect(said.filter((message) => message.includes("cannot be seen ('orders')"))).toHaveLength(1);
    await app.close();
  });
});
