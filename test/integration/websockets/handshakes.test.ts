import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { connect } from 'node:net';
import { type AddressInfo } from 'node:net';
import { type Server } from 'node:http';
import { freePort } from '../../../packages/tools/src/drill/free-port.js';
import { type GracefulShutdownOptions } from '../../../src/index.js';
import { closeAll, holdDraining, holdLameDuck, start } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { request } from '../../support/raw-client.js';
import { closeClients, type Combination, combinations, goodbye } from './kinds.js';

describe.each(combinations)('A handshake of a $kind client on $framework', (combination: Combination) => {
  afterEach(async () => {
    closeClients();
    await closeAll();
  });

  async function startGateway(drain?: false | GracefulShutdownOptions, port?: number) {
    const server: { http?: Server } = {};
    @WebSocketGateway(...((port === undefined ? [] : [port]) as [number]))
    class ChatGateway {
      @WebSocketServer()
      server!: unknown;
      afterInit(given: { _server?: Server; httpServer?: Server }): void {
        server.http = given._server ?? given.httpServer;
      }
      @SubscribeMessage('echo')
      echo(_client: unknown, data: unknown): object {
        return { event: 'reply', data };
      }
    }
    const gate = new Gate();
    @Injectable()
    class Slow implements OnModuleDestroy {
      onModuleDestroy(): Promise<void> {
        return drain === false ? gate.pass() : Promise.resolve();
      }
    }
    const running = await start(
      { framework: combination.framework, protocol: 'http' },
      { drain, providers: [ChatGateway, Slow], prepare: (app) => combination.prepare(app) },
    );
    return {
      ...running,
      gate,
      socketPort: port === undefined ? running.port : (server.http!.address() as AddressInfo).port,
    };
  }

  it('is refused with 503 while draining', async () => {
    const running = await startGateway();
    const held = await holdDraining(running);
    expect(await combination.refusal(running.port)).toBe(503);
    expect(await held.end()).toMatchObject({ clean: true });
    expect((await running.shutdown.closed).refused).toBeGreaterThan(0);
  });

  it('is refused with 503 while draining on a port of its own', async () => {
    const running = await startGateway(undefined, await freePort());
    const client = await combination.connect(running.socketPort);
    const held = await holdDraining(running);
    expect(await client.ended).toEqual(goodbye(combination));
    expect(await combination.refusal(running.socketPort)).toBe(503);
    expect(await held.end()).toMatchObject({ clean: true });
    await expect(listens(running.socketPort)).resolves.toBe(false);
  });

  it('is accepted while Nest destroys providers without the module', async () => {
    const { app, port, gate } = await startGateway(false);
    const closed = app.close();
    await gate.entered;
    await combination.connect(port);
    gate.release();
    closeClients();
    await closed;
  });

  it('is refused in the lame duck by option, and nothing else is', async () => {
    const running = await startGateway({ webSockets: { handshakes: 'refuse' } });
    const client = await combination.connect(running.port);
    const held = await holdLameDuck(running);
    expect(await combination.refusal(running.port)).toBe(503);
    expect(await request(`${running.url}/nothing`)).toMatchObject({ status: 404 });
    client.send('echo', 'a');
    expect(await client.receives(1)).toEqual(['a']);
    await held.end();
    expect(await client.ended).toEqual(goodbye(combination));
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
