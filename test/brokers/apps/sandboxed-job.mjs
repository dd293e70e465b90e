import { runJob } from './run-job.mjs';

/** Runs in a process of its own, which inherits the environment. */
export default (job) => runJob(job, { ledger: process.env.JOBS_LEDGER, jobMs: Number(process.env.JOB_MS) });
