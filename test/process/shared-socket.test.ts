import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../packages/tools/src/drill/free-port.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build, Child, endAll } from './support/child.js';
import { type GroupFigures, GroupLoad } from './support/group-load.js';

/** More of them give figures; one sees whether something is lost. */
const rolls = Number(process.env.DRAIN_ROLLS ?? 1);
const patienceMs = 120_000 + rolls * 60_000;

beforeAll(build);
afterEach(endAll);

/** Four workers behind one port, under load. */
async function group(settings: Record<string, unknown>): Promise<{ primary: Child; load: GroupLoad }> {
  const ledger = join(temporaryFolder(), 'ledger');
  writeFileSync(ledger, '');
  const port = await freePort();
  const primary = await Child.start('group-primary', { workers: 4, port, ledger, wayOut: 'SIGTERM', ...settings });
  return { primary, load: new GroupLoad(port, ledger) };
}

/** They are replaced one by one. */
async function roll(settings: Record<string, unknown>): Promise<GroupFigures & { ends: unknown[] }> {
  const { primary, load } = await group(settings);
  const ends: unknown[] = [];
  for (let each = 1; each <= rolls; each++) {
    primary.say(`roll ${each}`);
    const told = await primary.until('rolled', ({ roll }) => roll === each);
    ends.push(...(told.ends as { end: unknown }[]));
  }
  const figures = await load.end();
  process.stderr.write(`\n${JSON.stringify({ ...settings, ...figures, ends })}\n${primary.output}\n`);
  return { ...figures, ends };
}

const nothingLost = { lost: {}, failedProbes: 0, notOnce: 0 };

describe('Workers of node:cluster that are replaced one by one', () => {
  it.each([
    { scheduling: 'round robin', wayOut: 'SIGTERM' },
    { scheduling: 'round robin', wayOut: 'disconnect()', framework: 'fastify' },
    { scheduling: 'none', wayOut: 'SIGTERM', framework: 'fastify' },
    { scheduling: 'none', wayOut: 'disconnect()' },
  ])(
    'lose nothing ($scheduling, by $wayOut)',
    async (settings) => {
      const figures = await roll(settings);
      expect(figures).toMatchObject(nothingLost);
      // Each of its clients has asked again and again, however slow the machine is.
      expect(figures.requests).toBeGreaterThan(100);
      expect(figures.ends).toHaveLength(4 * rolls);
    },
    patienceMs,
  );

  it(
    'lose requests where the module does not learn of its siblings: the control',
    async () => {
      const { primary, load } = await group({ isBlind: true });
      // One roll may be lucky.
      let hasLost = false;
      void load.firstLoss.promise.then(() => (hasLost = true));
      for (let each = 1; !hasLost; each++) {
        primary.say(`roll ${each}`);
        const rolled = primary.until('rolled', ({ roll }) => roll === each);
        await Promise.race([rolled, load.firstLoss.promise]);
      }
      const { lost } = await load.end();
      expect(Object.keys(lost).length).toBeGreaterThan(0);
    },
    patienceMs,
  );
});
