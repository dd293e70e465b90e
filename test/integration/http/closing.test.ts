import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent, type ServerResponse } from 'node:http';
import { closeAll, enters, frameworks } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { type Orders, startOrders } from './orders.js';

/** Ends by itself at once, and tells that clients are there. */
const lameDuck = { minMs: 0, quietMs: 0, maxMs: 0 };
/** Between nothing and the linger of 50 ms, which is counted from a whole ms, by a timer that may come one early. */
const betweenMs = 45;
const agents = new Set<Agent>();

function keepAliveAgent(): Agent {
  const agent = new Agent({ keepAlive: true });
  agents.add(agent);
  return agent;
}

/** When the connection of the next request comes to rest at the server: a linger counts from there. */
function nextRest({ server }: Orders): { readonly at: number } {
  const rest = { at: NaN };
  server.prependOnceListener('request', (_request, response: ServerResponse) =>
    response.once('close', () => (rest.at = performance.now())),
  );
  return rest;
}

/** How long behind a request whose connection is kept alive `app.close()` has ended, ms. */
async function behindRequest(orders: Orders): Promise<number> {
  const rest = nextRest(orders);
  await request(`${orders.url}/orders`, { agent: keepAliveAgent() });
  await orders.app.close();
  return performance.now() - rest.at;
}

/** The same behind the answer of a request that was in flight, and whose head said nothing of a close, ms. */
async function behindAnswer(orders: Orders): Promise<number> {
  const rest = nextRest(orders);
  const answer = request(`${orders.url}/stream/a`, { agent: keepAliveAgent() });
  await orders.gate('a').entered;
  const draining = enters(orders.shutdown, 'draining');
  const closed = orders.app.close();
  await draining;
  orders.gate('a').release();
  expect(await answer).toMatchObject({ status: 200 });
  await closed;
  return performance.now() - rest.at;
}

describe.each(frameworks)('app.close() on %s', (framework) => {
  afterEach(async () => {
    for (const agent of agents) agent.destroy();
    agents.clear();
    await closeAll();
  });

  const times = async (take: (orders: Orders) => Promise<number>, drain: object): Promise<number[]> => {
    const taken: number[] = [];
    for (let round = 0; round < 5; round++) {
      taken.push(await take(await startOrders({ framework, protocol: 'http' }, { drain })));
    }
    return taken;
  };

  describe.each([
    ['a keep-alive request', behindRequest],
    ['a keep-alive answer that comes while draining', behindAnswer],
  ])('behind %s', (_, take) => {
    it('does not linger where no signal has begun it', async () => {
      // A linger would be in every one of them, and a busy machine is busy in some.
      expect(Math.min(...(await times(take, {})))).toBeLessThan(betweenMs);
    });

    it('lingers behind a lame duck: clients are there (control)', async () => {
      expect(Math.min(...(await times(take, { lameDuck })))).toBeGreaterThan(betweenMs);
    });
  });
});
