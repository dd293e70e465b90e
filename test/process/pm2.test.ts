import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../packages/tools/src/drill/free-port.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build } from './support/child.js';
import { allServe, type GroupFigures, GroupLoad } from './support/group-load.js';
import { Pm2 } from './support/pm2.js';

/** More of them give figures; one sees whether something is lost. */
const reloads = Number(process.env.DRAIN_ROLLS ?? 1);
const patienceMs = 120_000 + reloads * 90_000;

let pm2: Pm2 | undefined;
beforeAll(build);
afterEach(() => pm2?.kill());

/** PM2 reloads four processes behind one port under load. */
async function reload(options: object, settings: object = {}): Promise<GroupFigures> {
  const folder = temporaryFolder();
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '');
  const port = await freePort();
  pm2 = new Pm2(folder, { port, ledger, ...settings }, options);
  await pm2.start();
  await allServe(port, 4);
  const load = new GroupLoad(port, ledger);
  for (let each = 0; each < reloads; each++) await pm2.reload();
  const figures = await load.end();
  process.stderr.write(`\n${JSON.stringify({ ...options, ...settings, ...figures })}\n`);
  return figures;
}

describe('pm2 reload', () => {
  it.each([
    { kill_timeout: 30_000 },
    { kill_timeout: 30_000, wait_ready: true },
    { kill_timeout: 30_000, shutdown_with_message: true },
  ])(
    'loses nothing, without a word of configuration (%p)',
    async (options) => {
      expect(await reload(options)).toMatchObject({ lost: {}, failedProbes: 0, notOnce: 0 });
    },
    patienceMs,
  );
});
