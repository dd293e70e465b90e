import 'reflect-metadata';
import { type INestApplication } from '@nestjs/common';
import { drainMatchers, drill, Gates } from 'nestjs-drain-tools/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { factories, get } from '../applications.js';

expect.extend(drainMatchers);

const gates = new Gates();
let app: INestApplication | undefined;
afterEach(async () => {
  gates.releaseAll();
  await app?.close();
});

describe('nestjs-drain-tools/testing in Vitest', () => {
  it('rolls the application under traffic, and nothing is lost', async () => {
    app = await factories['Test.createTestingModule'](AppModule.with(10_000), 'express');
    const roll = await drill(app, { requests: ['GET /orders'] });
    expect(roll).toLoseNothing();
    expect(roll).toDrainWithin(5_000);
  });

  it('sees what is lost without a lame duck', async () => {
    app = await factories['Test.createTestingModule'](AppModule.with(1_000), 'fastify');
    const roll = await drill(app, { requests: ['GET /orders'], lameDuckMs: 0, lagMs: 500 });
    expect(() => expect(roll).toLoseNothing()).toThrow('Expected the roll to lose nothing');
  });

  it('holds a request in flight', async () => {
    app = await factories['Test.createTestingModule'](AppModule.with(1_000), 'express');
    const gate = gates.create('orders').holds(app, 'GET /orders');
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): { port: number } }).address();
    const held = get(`http://127.0.0.1:${port}/orders`);
    await gate.entered;
    const closed = app.close();
    gate.release();
    expect(await held).toMatchObject({ status: 200, body: { order: 'an order' } });
    await closed;
  });
});
