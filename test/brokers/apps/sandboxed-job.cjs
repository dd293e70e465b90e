/** Runs in a process of its own, which inherits the environment. */
module.exports = async (job) => {
  const { runJob } = await import('./run-job.mjs');
  const { JOBS_LEDGER: ledger, JOB_MS, JOBS_TOGETHER } = process.env;
  await runJob(job, { ledger, jobMs: Number(JOB_MS), together: Number(JOBS_TOGETHER) });
};
