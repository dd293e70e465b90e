/**
 * Rolls every transport once in two ways on other versions of Nest: `node scripts/brokers.mjs [<nest> …]`, where
 * `<nest>` is a name of `nests` in `other-versions.mjs`. On the repository's own Nest it is `npm run test:brokers`.
 */
import { execFileSync } from 'node:child_process';
import { brokerApplicationsOn, nests, root } from './other-versions.mjs';
import { buildPackages } from './setup-sample.mjs';

const named = process.argv.slice(2);
buildPackages();
(named.length > 0 ? named : ['11-lowest', '11-highest']).forEach((nest, index) => {
  if (!nests[nest]) throw new Error(`Expected one of ${Object.keys(nests).join(', ')}, got '${nest}'.`);
  console.log(`> Rolling the transports of Nest ${nest}`);
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const args = ['--selectProjects', 'brokers', '--runInBand', '--testPathPatterns', 'test/brokers/other-nest'];
  const env = {
    DRAIN_BROKER_APPS: brokerApplicationsOn(nest),
    DRAIN_BROKER_NEST: nest,
    DRAIN_BROKER_WAYS: index % 2 ? 'second' : 'first',
  };
  try {
    execFileSync(process.execPath, [...jest, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
  } catch {
    // Jest has said why.
    process.exitCode = 1;
  }
});
