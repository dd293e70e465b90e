import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { concat, defer, interval, map, NEVER, type Observable, of } from 'rxjs';
import { type GracefulShutdownOptions } from '../../../src/index.js';
import { closeAll, holds, holdDraining, holdLameDuck, start, turns } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';
import { closeClients, type Combination, combinations, goodbye } from './kinds.js';

function chat() {
  const gate = new Gate();
  const log: string[] = [];
  @WebSocketGateway()
  class ChatGateway {
    @SubscribeMessage('slow')
    async slow(@MessageBody() data: unknown): Promise<object> {
      log.push('slow began');
      await gate.pass();
      log.push('slow ended');
      return { event: 'reply', data };
    }
    @SubscribeMessage('echo')
    echo(@MessageBody() data: unknown): object {
      log.push(`echo ${String(data)}`);
      return { event: 'reply', data };
    }
    @SubscribeMessage('some')
    some(): Observable<object> {
      const late = defer(async () => {
        await gate.pass();
        return 2;
      });
      return concat(of(1), late, of(3)).pipe(map((data) => ({ event: 'reply', data })));
    }
    @SubscribeMessage('endless')
    endless(@ConnectedSocket() client: unknown): Observable<object> {
      return client
        ? concat(of({ event: 'reply', data: 'first' }), NEVER)
        : interval(1).pipe(map((data) => ({ data })));
    }
  }
  return { gate, log, gateway: ChatGateway };
}

describe.each(combinations)('A message of a $kind client on $framework', (combination: Combination) => {
  afterEach(async () => {
    closeClients();
    await closeAll();
  });

  async function startChat(drain?: false | GracefulShutdownOptions) {
    const { gate, log, gateway } = chat();
    const running = await start(
      { framework: combination.framework, protocol: 'http' },
      { drain, providers: [gateway], prepare: (app) => combination.prepare(app) },
    );
    const client = await combination.connect(running.port);
    return { ...running, gate, log, client };
  }

  it('whose handler runs is in-flight work, named after it', async () => {
    const { shutdown, client, gate } = await startChat();
    const idle = shutdown.inFlight;
    client.send('slow', 'a');
    await gate.entered;
    if (combination.kind === 'socket.io polling') expect(shutdown.inFlight).toBeGreaterThan(0);
    else expect([idle, shutdown.inFlight]).toEqual([0, 1]);
    gate.release();
    expect(await client.receives(1)).toEqual(['a']);
    await holds(() => shutdown.inFlight <= idle);
  });

  it('is answered before its client is told to leave', async () => {
    const { app, client, gate, shutdown } = await startChat();
    client.send('slow', 'a');
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    await turns(10);
    gate.release();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(client.received).toEqual(['a']);
    await closed;
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', clean: true, leftovers: [] });
  });

  it('is not answered without the module', async () => {
    const { app, client, gate } = await startChat(false);
    client.send('slow', 'a');
    await gate.entered;
    const closed = app.close();
    await client.ended;
    gate.release();
    await closed;
    expect(client.received).toEqual([]);
  });

  it('that another holds back its client is still handled while draining', async () => {
    const { app, client, gate, shutdown } = await startChat();
    client.send('slow', 'a');
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    client.send('echo', 'b');
    expect(await client.receives(1)).toEqual(['b']);
    gate.release();
    await client.ended;
    expect(client.received).toEqual(['b', 'a']);
    await closed;
  });

  it('that is answered with several replies gets all of them', async () => {
    const { app, client, gate, shutdown } = await startChat();
    client.send('some');
    await client.receives(1);
    await gate.entered;
    const closed = app.close();
    while (!shutdown.drainingSignal.aborted) await turns(1);
    await turns(10);
    gate.release();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(client.received).toEqual([1, 2, 3]);
    await closed;
  });

  it('that is answered without end does not hold the shutdown longer than closeTimeoutMs', async () => {
    // Long enough to answer the close frame, on a busy machine too.
    const { app, client, shutdown } = await startChat({ webSockets: { closeTimeoutMs: 1_000 } });
    client.send('endless');
    await client.receives(1);
    await app.close();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(await shutdown.closed).toMatchObject({ outcome: 'drained', leftovers: [] });
  });

  it('whose handler takes longer than closeTimeoutMs is answered all the same', async () => {
    const { app, port, client, gate } = await startChat({ webSockets: { closeTimeoutMs: 100 } });
    const other = await combination.connect(port);
    other.send('endless');
    await other.receives(1);
    client.send('slow', 'a');
    await gate.entered;
    const closed = app.close();
    // It goes when closeTimeoutMs has passed.
    await other.ended;
    await turns(10);
    gate.release();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(client.received).toEqual(['a']);
    await closed;
  });

  it('whose client has left is still finished before the release', async () => {
    const { app, client, gate, log, shutdown } = await startChat();
    client.send('slow', 'a');
    await gate.entered;
    client.close();
    await client.ended;
    const held = await holdDraining({ app, shutdown });
    held.release();
    await turns(20);
    expect([shutdown.phase, log]).toEqual(['draining', ['slow began']]);
    gate.release();
    await held.closed;
    expect(log).toEqual(['slow began', 'slow ended']);
  });

  it('is served in the lame duck, and its client stays, where nothing is spread', async () => {
    const { app, client, shutdown } = await startChat();
    const held = await holdLameDuck({ app, shutdown });
    client.send('echo', 'a');
    expect(await client.receives(1)).toEqual(['a']);
    const other = await combination.connect((app.getHttpServer() as { address(): { port: number } }).address().port);
    other.send('echo', 'b');
    expect(await other.receives(1)).toEqual(['b']);
    await held.end();
    expect(await client.ended).toEqual(goodbye(combination));
    expect(await other.ended).toEqual(goodbye(combination));
  });
});
