/**
 * How the 30 s of `terminationGracePeriodSeconds` (k8s/deployment.yaml) are spent. `test/numbers.test.ts` does the sum:
 * lame duck ≤ 10 s + drain ≤ 10 s + hooks ≤ 5 s = 25 s, which leaves 5 s before SIGKILL.
 */
export const shutdownOptions = {
  /** On SIGTERM in Kubernetes: at least 5 s, at most 10 s. `app.close()`, as in the tests, goes without. */
  lameDuck: 'auto',
  drainTimeoutMs: 10_000,
  hookTimeoutMs: 5_000,
  gracePeriodMs: 30_000,
} as const;
