import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { AppModule } from '../src/app.module.js';
import { Database } from '../src/database/database.js';
import { OrdersService } from '../src/orders/orders.service.js';
import { AppModule as WithoutDrainModule } from '../src/without-drain/app.module.js';
import { ask, postJson, start, type RunningApp } from './support/app.js';

let running: RunningApp | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

/**
 * Starts the application and writes down, in order, what its report and its database do.
 *
 * @param held what a report waits for, once it has begun
 */
async function startWatched(Root: Type, held?: Promise<unknown>) {
  running = await start(Root);
  const { app, url } = running;
  const events: string[] = [];
  const progress = new EventEmitter();
  const reportBegun = once(progress, 'report begun');

  const database = app.get(Database, { strict: false });
  const query = database.query.bind(database);
  jest.spyOn(database, 'query').mockImplementation(async (text, params) => {
    const rows = await query(text, params);
    if (text.includes('order_journal')) events.push('journal written');
    if (text.includes('count(*)')) progress.emit('report begun');
    if (text.includes('count(*)')) await held;
    return rows as never[];
  });
  const destroy = database.onModuleDestroy.bind(database);
  jest.spyOn(database, 'onModuleDestroy').mockImplementation(async () => {
    events.push('database closed');
    await destroy();
  });

  const orders = app.get(OrdersService, { strict: false });
  const report = orders.report.bind(orders);
  jest.spyOn(orders, 'report').mockImplementation(async () => {
    try {
      const answer = await report();
      events.push('report done');
      return answer;
    } catch (error) {
      events.push('report failed');
      throw error;
    }
  });

  return { app, url, events, reportBegun };
}

/** Reads the first chunk, so that the export is under way, and returns what reads the rest. */
async function beginExport(url: string): Promise<() => Promise<string>> {
  const reader = (await fetch(`${url}/orders/export`)).body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? '';
  return async () => {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) text += chunk.value;
    return text;
  };
}

describe('Closing the application', () => {
  it('lets a report finish before the database closes', async () => {
    const { app, url, events, reportBegun } = await startWatched(AppModule);
    const report = ask(`${url}/orders/report`);
    await reportBegun;

    await app.close();

    expect(await report).toMatchObject({ status: 200, body: { orders: 20, byStatus: { open: 10, shipped: 10 } } });
    expect(events).toEqual(['report done', 'database closed']);
  });

  it('lets an export reach its last line', async () => {
    const { app, url } = await startWatched(AppModule);
    const rest = await beginExport(url);

    const closing = app.close();

    expect(await rest()).toMatch(/\{"exported":20\}\n$/);
    await closing;
  });

  it('turns away who comes late with an answer, while liveness stays up', async () => {
    // The application drains until they have been answered.
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { app, url, reportBegun } = await startWatched(AppModule, held);
    const report = ask(`${url}/orders/report`);
    await reportBegun;

    const closing = app.close();
    const ready = await fetch(`${url}/health/ready`);
    const live = await fetch(`${url}/health/live`);
    const late = await fetch(`${url}/orders/3`);

    expect(ready.status).toBe(503);
    expect(live.status).toBe(200);
    expect(late.status).toBe(503);
    expect(late.headers.get('retry-after')).toBe('1');
    expect(late.headers.get('connection')).toBe('close');
    release();
    expect(await report).toMatchObject({ status: 200 });
    await closing;
  });

  it('writes the rest of the journal before the database closes', async () => {
    const { app, url, events } = await startWatched(AppModule);
    await postJson(`${url}/orders`, { item: 'pencil', quantity: 3, unitCents: 120 });

    await app.close();

    expect(events).toEqual(['journal written', 'database closed']);
  });
});

describe('Closing the application without nestjs-drain', () => {
  it('closes the database under a report, which fails', async () => {
    const { app, url, events, reportBegun } = await startWatched(WithoutDrainModule);
    const report = ask(`${url}/orders/report`);
    await reportBegun;

    await app.close();

    expect(await report).toMatchObject({ status: 500 });
    expect(events).toEqual(['database closed', 'report failed']);
  });

  it('cuts an export short', async () => {
    const { app, url } = await startWatched(WithoutDrainModule);
    const rest = await beginExport(url);

    const closing = app.close();

    await expect(rest()).rejects.toThrow('terminated');
    await closing;
  });
});
