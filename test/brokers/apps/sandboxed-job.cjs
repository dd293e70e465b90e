/** Runs in a process of its own, which inherits the environment. */
module.exports = async (job) => {
  const { runJob } = await import('./run-job.mjs');
  await runJob(job, { ledger: process.env.JOBS_LEDGER, jobMs: Number(process.env.JOB_MS) });
};
