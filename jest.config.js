const ignored = ['/node_modules/', '/dist/'];

/**
 * Five projects, from the fastest to the slowest: `unit` has no sockets, `integration` real ones, `process` forks
 * children and sends real signals, `brokers` rolls replicas that take their work from brokers and by RPC, `balancer`
 * rolls replicas behind load balancers.
 */
const project = (name, testTimeoutMs = 20_000, more = {}) => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/{,packages/tools/}test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: ['.ts'],
  // The tools import the runtime by its published name.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^nestjs-drain$': '<rootDir>/src/index.ts' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  testPathIgnorePatterns: ignored,
  modulePathIgnorePatterns: ['<rootDir>/(packages/tools/)?dist/', '<rootDir>/sample/', '<rootDir>/\\.cache/'],
  // Jest reads `testTimeout` at the top level alone.
  globals: { testTimeoutMs },
  setupFilesAfterEnv: ['<rootDir>/test/support/set-timeout.ts'],
  ...more,
});

export default {
  coverageProvider: 'v8',
  collectCoverageFrom: ['{,packages/tools/}src/**/*.ts'],
  projects: [
    project('unit', 5_000),
    project('integration'),
    project('process', 60_000, { globalSetup: '<rootDir>/test/support/build-once.mjs' }),
    project('brokers', 120_000, {
      // It needs applications beside another Nest: scripts/brokers.mjs.
      testPathIgnorePatterns: process.env.DRAIN_BROKER_APPS ? ignored : [...ignored, 'brokers/other-nest'],
      globalSetup: '<rootDir>/test/support/shared-brokers.mjs',
      globalTeardown: '<rootDir>/test/support/stop-shared-brokers.mjs',
    }),
    project('balancer', 300_000),
  ],
};
