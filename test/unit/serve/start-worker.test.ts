import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type ListeningSockets } from '../../../src/serve/listening-sockets.js';
import { startWorker } from '../../../src/serve/start-worker.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

it('A worker for which Node throws is gone, with why: its release is a file', async () => {
  const privateFolder = temporaryFolder();
  const folder = join(privateFolder, 'release.tgz');
  writeFileSync(folder, '');
  const clock = new FakeClock();
  const worker = startWorker({ version: 1, folder, command: process.execPath, args: [] }, 1, {
    clock,
    sockets: {} as ListeningSockets,
    readiness: 'listening',
    graceMs: 10_000,
    ticketKeys: '',
    say: () => undefined,
    preload: '',
    privateFolder,
    prefixesLines: true,
  });
  expect(worker.pid).toBeUndefined();
  await settle();
  await clock.advance(50);
  expect(await worker.gone).toBe('spawn ENOTDIR');
  clock.assertNoTimerLeft();
});
