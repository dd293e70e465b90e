import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Takes its time, from when `together` jobs have begun, and writes down that it has begun and ended. */
export async function runJob(job, { ledger, jobMs, together = 1 }) {
  const note = (what) => appendFileSync(ledger, `${what} ${job.data.n} ${Date.now()} ${process.pid}\n`);
  note('begun');
  while (readFileSync(ledger, 'utf8').split('begun').length - 1 < together) await sleep(20);
  await sleep(jobMs);
  note('ended');
}
