import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import { type DrillOptions, drainMatchers, drill, fakePlatform, Gates } from 'nestjs-drain-tools/testing';
import { AppModule } from '../src/app.module.js';
import { factories, type Factory, type Framework, frameworks, get } from './applications.js';

expect.extend(drainMatchers);

const platforms = frameworks.flatMap((framework) =>
  (Object.keys(factories) as Factory[]).map((factory) => ({ framework, factory })),
);
const requests: DrillOptions['requests'] = [
  { method: 'GET', path: '/orders', expect: { body: '{"order":"an order"}' } },
];

const gates = new Gates();
let app: INestApplication | undefined;
afterEach(async () => {
  gates.releaseAll();
  await app?.close();
  app = undefined;
});

async function create({ framework, factory }: { framework: Framework; factory: Factory }): Promise<INestApplication> {
  return (app = await factories[factory](AppModule.with({ drainTimeoutMs: 10_000, allowRehearsal: true }), framework));
}

describe.each(platforms)('nestjs-drain-tools/testing, with $framework by $factory', (platform) => {
  it('rolls the application under traffic, and nothing is lost', async () => {
    const roll = await drill(await create(platform), { requests });
    expect(roll).toLoseNothing();
    expect(roll).toDrainWithin(5_000);
  });

  it('sees what is lost without a lame duck', async () => {
    const roll = await drill(await create(platform), { requests, lameDuckMs: 0, lagMs: 500 });
    expect(roll).not.toLoseNothing();
    expect(() => expect(roll).toLoseNothing()).toThrow('Expected the roll to lose nothing');
  });

  it('holds a request in flight', async () => {
    const app = await create(platform);
    const gate = gates.create('orders').holds(app, 'GET /orders');
    const platformBefore = await fakePlatform({ noticesAfterMs: 20 });
    try {
      await platformBefore.routeTo(app);
      const held = get(`${platformBefore.url}/orders`);
      await gate.entered;
      const closed = app.close();
      gate.release();
      expect(await held).toMatchObject({ status: 200, body: { order: 'an order' } });
      await closed;
    } finally {
      await platformBefore.close();
    }
  });
});
