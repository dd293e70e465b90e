import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { type Server } from 'node:net';
import { tellPm2WhenListening } from '../../../src/nest/pm2-ready.js';

function tell(env: NodeJS.ProcessEnv, isListening = false, connected = true) {
  const sent: unknown[] = [];
  const server = Object.assign(new EventEmitter(), { listening: isListening });
  const worker = { env, connected, send: (message: unknown) => sent.push(message) > 0 };
  tellPm2WhenListening(server as unknown as Server, worker);
  return { sent, server };
}

describe('tellPm2WhenListening', () => {
  it('tells PM2 that waits for it, once the server listens', () => {
    const { sent, server } = tell({ pm_id: '0', wait_ready: 'true' });
    expect(sent).toEqual([]);
    server.emit('listening');
    server.emit('listening');
    expect(sent).toEqual(['ready']);
    expect(tell({ pm_id: '0', wait_ready: 'true' }, true).sent).toEqual(['ready']);
  });

  it.each([
    ['PM2 does not wait', { pm_id: '0', wait_ready: 'false' }, true],
    ['nobody runs it', {}, true],
    ['PM2 has gone', { pm_id: '0', wait_ready: 'true' }, false],
  ])('tells nobody when %s', (_, env, connected) => {
    expect(tell(env, true, connected).sent).toEqual([]);
  });
});
