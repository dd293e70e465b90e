import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { closeListener, cutListener } from '../../../src/drainables/shared/listener.js';
import { systemClock } from '../../../src/sequence/clock.js';

async function listening() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('closeListener', () => {
  it('closes in the moment in which it has looked: what runs behind the last look finds it closed', async () => {
    const server = await listening();
    let wasListening = true;
    const clock = {
      ...systemClock,
      now() {
        queueMicrotask(() => (wasListening = server.listening));
        return systemClock.now();
      },
    };
    await closeListener(server, clock);
    expect(wasListening).toBe(false);
  });
});

describe('cutListener', () => {
  it('leaves a server that somebody else may close again, without an error', async () => {
    const server = await listening();
    cutListener(server);
    await promisify(server.close).call(server);
    await promisify(server.close).call(server);
    expect(server.listening).toBe(false);
  });

  it('leaves Node its error where we have closed nothing', async () => {
    const server = await listening();
    await promisify(server.close).call(server);
    cutListener(server);
    await expect(promisify(server.close).call(server)).rejects.toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
  });

  it('lets a server without a callback be closed again', async () => {
    const server = await listening();
    cutListener(server);
    expect(server.close()).toBe(server);
  });
});
