import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { frameworks } from '../support/applications.js';
import { request } from '../support/raw-client.js';
import { build, Child, endAll } from './support/child.js';

beforeAll(build);
afterEach(endAll);

describe.each(frameworks)('A log collector that has died, of an application on %s', (framework) => {
  it.each(['SIGTERM', 'shutdown()', 'app.close()'])('costs no request, on %s', async (way) => {
    const child = await Child.start('orders', { framework });
    const answer = request(child.url('/held'));
    await child.until('held');
    await child.closeOutput();
    if (way === 'SIGTERM') child.signal(way);
    else child.say(way === 'app.close()' ? 'close' : 'shutdown');
    await child.entered('draining');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 503 });
    child.say('release');
    expect(await answer).toMatchObject({ status: 200, body: { isOpen: true } });
    expect(await child.report()).toMatchObject({ clean: true });
    expect(await child.ended).toMatchObject({ end: way === 'app.close()' ? 0 : 'SIGTERM' });
  });

  it('ends the process, with all that is in flight, at any line without the module', async () => {
    const child = await Child.start('orders', { framework, drain: false, logsOnDestroy: true });
    const answer = request(child.url('/held'));
    await child.until('held');
    await child.closeOutput();
    child.signal('SIGTERM');
    await expect(answer).rejects.toThrow();
    expect(await child.ended).toMatchObject({ end: 1 });
  });

  it('costs nothing at a line of the startup checks', async () => {
    const child = await Child.start('orders', { framework, hooks: false, tellsChecked: true });
    await child.closeOutput();
    await child.until('checked');
    expect(await request(child.url('/orders'))).toMatchObject({ status: 200 });
  });
});

describe('A logger that the application closes in its last hook', () => {
  it('leaves the report to stderr, which is written before the process ends', async () => {
    const child = await Child.start('orders', { logger: 'closed' });
    child.signal('SIGTERM');
    await child.ended;
    expect(child.output.match(/closed after \d+ ms: \{.*"clean":true/g)).toHaveLength(1);
    expect(child.output).toContain('[GracefulShutdown] closed after');
  });
});
