import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Takes its time, and writes down that it has begun and ended. */
export async function runJob(job, { ledger, jobMs }) {
  const note = (what) => appendFileSync(ledger, `${what} ${job.data.n} ${Date.now()} ${process.pid}\n`);
  note('begun');
  await sleep(jobMs);
  note('ended');
}
