import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Deferred } from '../../../src/sequence/deferred.js';
import { type Answer, ControlSocket, giveOrder, type Order } from '../../../src/serve/control-socket.js';
import { settle } from '../../support/fake-clock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

let path: string;
let control: ControlSocket;
let obeyed: Deferred<void>;
/** A reload takes until then. */
let reloaded: Deferred<void>;

async function obey({ order }: Order): Promise<Answer> {
  obeyed.resolve();
  if (order === 'reload') await reloaded.promise;
  return { isDone: true, summary: order };
}

beforeEach(async () => {
  path = join(temporaryFolder(), 'control');
  [obeyed, reloaded] = [new Deferred(), new Deferred()];
  control = await ControlSocket.open(path, obey);
});
afterEach(() => control.close());

/** A client that may keep its half of the connection. */
function client(): Socket {
  return connect({ path, allowHalfOpen: true }).on('error', () => undefined);
}

async function heardBy(socket: Socket): Promise<Answer> {
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  await once(socket, 'end');
  socket.destroy();
  return JSON.parse(heard) as Answer;
}

async function expectToListen(): Promise<void> {
  expect(await giveOrder(path, { order: 'status' })).toEqual({ isDone: true, summary: 'status' });
}

describe('ControlSocket', () => {
  it('takes one order from each client, whatever else it says', async () => {
    const socket = client();
    socket.write('{"order":"status"}\n\n{"order":"stop"}\n');
    expect(await heardBy(socket)).toEqual({ isDone: true, summary: 'status' });
    await expectToListen();
  });

  it('outlives a client that goes without having read its answer', async () => {
    const socket = client().pause();
    socket.write('{"order":"status"}\n');
    await obeyed.promise;
    // The answer has been sent.
    await settle();
    socket.destroy();
    await expectToListen();
  });

  it('answers a client that has ended its half, also without the end of the line', async () => {
    const socket = client();
    socket.end('{"order":"reload"}');
    const answer = heardBy(socket);
    await obeyed.promise;
    await expectToListen();
    reloaded.resolve();
    expect(await answer).toEqual({ isDone: true, summary: 'reload' });
  });

  it.each([
    ['is no order', 'reload\n'],
    ['does not end', 'x'.repeat(100_000)],
  ])('refuses what %s', async (_, text) => {
    const socket = client();
    socket.write(text);
    expect(await heardBy(socket)).toEqual({ isDone: false, summary: 'Expected an order as JSON.' });
  });

  it('waits for nobody at its end: who keeps a half of the connection is cut', async () => {
    const socket = client().resume();
    await once(socket, 'connect');
    await expectToListen();
    control.close();
    await once(socket, 'end');
    await settle();
    socket.write('{"order":"status"}\n');
    expect(await once(socket, 'error')).toMatchObject([{ code: 'EPIPE' }]);
  });
});
