import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { frameworks } from '../support/applications.js';
import { request } from '../support/raw-client.js';
import { build, Child, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

describe.each(frameworks)('shutdown() in an application on %s', (framework) => {
  it('drains, and hands over to Nest where its shutdown hooks are enabled', async () => {
    const child = await Child.start('orders', { framework });
    const answer = request(child.url('/held'));
    await child.until('held');
    child.say('shutdown');
    await child.entered('draining');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ reason: 'a deployment', outcome: 'drained', clean: true, refused: 1 });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('destroyed')).toBe(true);
  });

  it('ends it with 1 when it was unclean', async () => {
    const child = await Child.start('orders', { framework, hook: 'rejects' });
    child.say('shutdown');
    expect(await child.ended).toMatchObject({ end: 1 });
  });

  it('leaves it drained, with its listener closed, where they are not; app.close() joins in', async () => {
    // Drained, with its listener closed, nothing of ours keeps it alive.
    const child = await Child.start('orders', { framework, hooks: false, timer: true });
    child.say('shutdown');
    expect(await child.until('shutdown() resolved')).toMatchObject({ outcome: 'drained' });
    await expect(request(child.url('/orders'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(child.hasTold('destroyed')).toBe(false);
    expect(child.hasTold('report')).toBe(false);

    child.say('close');
    expect(await child.report()).toMatchObject({ reason: 'a deployment', clean: true });
    expect(child.hasTold('destroyed')).toBe(true);
    await child.until('app.close() resolved');
  });
});

describe('A standalone application', () => {
  it('ends its tracked work before its providers are destroyed', async () => {
    const child = await Child.start('context');
    child.signal('SIGTERM');
    await child.entered('draining');
    child.say('release');
    expect(await child.until('job done')).toMatchObject({ isOpen: true });
    expect(await child.report()).toMatchObject({ reason: 'signal SIGTERM', clean: true });
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('destroyed')).toBe(true);
  });

  it('does so on app.close(), and then ends by itself', async () => {
    const child = await Child.start('context');
    child.say('close');
    await child.entered('draining');
    child.say('release');
    expect(await child.until('job done')).toMatchObject({ isOpen: true });
    expect(await child.report()).toMatchObject({ reason: 'app.close()', clean: true });
    expect(await child.ended).toMatchObject({ end: 0 });
  });

  it('names the work that outlives the drain deadline, and exits with 1', async () => {
    const child = await Child.start('context', { drain: 200 });
    child.signal('SIGTERM');
    const { outcome, leftovers } = await child.report();
    expect(outcome).toBe('timed-out');
    expect(leftovers).toEqual([expect.objectContaining({ kind: 'task', name: 'import of orders' })]);
    expect(await child.ended).toMatchObject({ end: 1 });
  });

  it('destroys them under it without the module', async () => {
    const child = await Child.start('context', { drain: false });
    child.signal('SIGTERM');
    await child.until('destroyed');
    expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    expect(child.hasTold('job done')).toBe(false);
  });
});

describe('A microservice over TCP', () => {
  async function startHolding(drain?: false) {
    const child = await Child.start('microservice', { drain });
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: child.port() },
    });
    const answer = firstValueFrom(client.send<{ isOpen: boolean }>('held', {}));
    answer.catch(() => undefined);
    await child.until('held');
    return { child, client, answer };
  }

  it.each(['SIGTERM', 'app.close()'])(
    'answers the message in flight, on %s, before its transport closes',
    async (way) => {
      const { child, client, answer } = await startHolding();
      if (way === 'SIGTERM') child.signal(way);
      else child.say('close');
      await child.entered('draining');
      await expect(firstValueFrom(client.send('held', {}))).rejects.toMatchObject({ status: 'error' });
      child.say('release');
      expect(await answer).toEqual({ isOpen: true });
      expect(await child.report()).toMatchObject({ outcome: 'drained', clean: true });
      client.close();
      expect(await child.ended).toMatchObject({ end: way === 'SIGTERM' ? way : 0 });
    },
  );

  it('destroys its providers under the message without the module', async () => {
    const { child, client, answer } = await startHolding(false);
    child.signal('SIGTERM');
    await child.until('destroyed');
    child.say('release');
    expect(await Promise.race([answer.catch(() => 'lost'), child.ended.then(() => 'lost')])).not.toEqual({
      isOpen: true,
    });
    client.close();
  });
});
