export { drill, type DrillOptions, type DrillRun } from './drill.js';
export { type DrillRequest } from '../drill/exchange.js';
export { type Roll, type RollFailure } from './roll.js';
export { type FakePlatform, fakePlatform, type FakePlatformOptions } from './fake-platform.js';
export { type Gate, Gates } from './gates.js';
export { drainMatchers, type MatcherResult } from './matchers.js';
export { type DrainMatchers } from './matcher-types.js';
