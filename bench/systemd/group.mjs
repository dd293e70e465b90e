import { chmodSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { importTypeScript } from '../../scripts/import-typescript.mjs';
import { spelt } from '../statistics.mjs';

const { GroupLoad } = await importTypeScript('test/process/support/group-load.ts');

export const application = '/srv/repository/test/process/apps/group-worker.mjs';
export const port = 3000;
/** Clients of each kind. */
const perKind = 3;
let ledgers = 0;

export function newLedger() {
  const ledger = `/tmp/ledger-${++ledgers}`;
  writeFileSync(ledger, '');
  // The units run as another user.
  chmodSync(ledger, 0o666);
  return ledger;
}

/** The strict clients of the process suite, around what is done meanwhile. */
export async function underLoad(ledger, work) {
  const load = new GroupLoad(port, ledger, perKind);
  await sleep(1_000);
  const startedAt = performance.now();
  try {
    await work();
  } finally {
    await load.end();
  }
  return { ...load.figures, seconds: (performance.now() - startedAt) / 1_000 };
}

export function lostText({ lost }) {
  return spelt(lost) || '**0**';
}

export function isClean({ lost, failedProbes, notOnce }) {
  return Object.keys(lost).length === 0 && failedProbes === 0 && notOnce === 0;
}
