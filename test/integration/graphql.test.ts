import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { type MercuriusDriverConfig } from '@nestjs/mercurius';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { closeAll, type Framework, start, turns } from '../support/applications.js';
import { Gate } from '../support/gate.js';
import { request } from '../support/raw-client.js';

// Mercurius serves GraphiQL with it, and Jest cannot load the modules it requires.
jest.mock('@fastify/static', () => () => Promise.resolve());
const { MercuriusDriver } = await import('@nestjs/mercurius');

interface Driver {
  readonly name: string;
  readonly framework: Framework;
  module(): ReturnType<typeof GraphQLModule.forRoot>;
}

const drivers: readonly Driver[] = [
  {
    name: 'Apollo',
    framework: 'express',
    module: () =>
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        subscriptions: { 'graphql-ws': true },
      }),
  },
  {
    name: 'Mercurius',
    framework: 'fastify',
    module: () =>
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        autoSchemaFile: true,
        subscription: { fullWsTransport: true },
      }),
  },
];

describe.each(drivers)('GraphQL with $name on $framework', ({ framework, module }) => {
  const ends: (() => void)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await closeAll();
  });

  async function startGraphql(drain?: false) {
    const gate = new Gate();
    let isDestroyed = false;
    @Resolver()
    class OrdersResolver {
      @Query(() => String)
      async order(): Promise<string> {
        await gate.pass();
        return isDestroyed ? 'without a database' : 'ordered';
      }
      @Subscription(() => String)
      async *orders(): AsyncGenerator<{ orders: string }> {
        yield { orders: 'first' };
        await new Promise(() => undefined);
      }
      onModuleDestroy(): void {
        isDestroyed = true;
      }
    }
    const running = await start(
      { framework, protocol: 'http' },
      { drain, imports: [module()], providers: [OrdersResolver] },
    );
    return { ...running, gate };
  }

  function query(url: string) {
    return request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ order }' }),
    });
  }

  async function subscribe(port: number): Promise<{ closed: Promise<{ code: number; reason: string }> }> {
    let close!: (event: { code: number; reason: string }) => void;
    const closed = new Promise<{ code: number; reason: string }>((resolve) => (close = resolve));
    const client = createClient({
      url: `ws://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      on: { closed: (event) => close(event as { code: number; reason: string }) },
    });
    ends.push(() => void client.dispose());
    await new Promise<void>((resolve, reject) => {
      client.subscribe(
        { query: 'subscription { orders }' },
        { next: () => resolve(), error: reject, complete: () => undefined },
      );
    });
    return { closed };
  }

  it('finishes a query in flight before it is stopped', async () => {
    const { app, url, gate, shutdown } = await startGraphql();
    const answer = query(url);
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    await turns(20);
    gate.release();
    expect(await answer).toMatchObject({ status: 200, body: { data: { order: 'ordered' } } });
    await closed;
    expect(await shutdown.closed).toMatchObject({ clean: true });
  });

  it('does not without the module', async () => {
    const { app, url, gate } = await startGraphql(false);
    const answer = query(url);
    await gate.entered;
    const closed = app.close();
    await turns(20);
    gate.release();
    expect(await answer).not.toMatchObject({ status: 200, body: { data: { order: 'ordered' } } });
    await closed;
  });

  it('tells the clients of subscriptions to leave', async () => {
    const { app, port, shutdown } = await startGraphql();
    const { closed } = await subscribe(port);
    await app.close();
    expect(await closed).toMatchObject({ code: 1001, reason: 'The server is shutting down' });
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
  });

  it('tells them something else without the module', async () => {
    const { app, port } = await startGraphql(false);
    const { closed } = await subscribe(port);
    const closing = app.close();
    expect((await closed).reason).not.toBe('The server is shutting down');
    await closing;
  });
});
