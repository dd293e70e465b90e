import { describe, expect, it } from '@jest/globals';
import { tellPm2 } from '../../../src/nest/pm2-ready.js';

function sentIn(env: NodeJS.ProcessEnv, connected = true): unknown[] {
  const sent: unknown[] = [];
  tellPm2({ env, connected, send: (message: unknown) => sent.push(message) > 0 });
  return sent;
}

describe('tellPm2', () => {
  it('tells PM2 that waits for it', () => {
    expect(sentIn({ pm_id: '0', wait_ready: 'true' })).toEqual(['ready']);
  });

  it.each([
    ['PM2 does not wait', { pm_id: '0', wait_ready: 'false' }, true],
    ['nobody runs it', {}, true],
    ['PM2 has gone', { pm_id: '0', wait_ready: 'true' }, false],
  ])('tells nobody when %s', (_, env, connected) => {
    expect(sentIn(env, connected)).toEqual([]);
  });
});
