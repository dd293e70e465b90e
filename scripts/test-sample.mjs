/** Sets a sample up and runs its tests: `node scripts/test-sample.mjs <sample-dir> [-- arguments of its runner]`. */
import { resolve } from 'node:path';
import { npm, setupSample } from './setup-sample.mjs';

const [sampleDir, ...args] = process.argv.slice(2);
try {
  setupSample(sampleDir);
  npm(['test', ...args], resolve(sampleDir));
} catch (error) {
  // A child that failed has said why.
  if (typeof error.status !== 'number') console.error(error);
  process.exit(error.status || 1);
}
