import { type CountedCalls } from '../../../in-flight/counted-calls.js';
import { type Drainable } from '../../../sequence/drainable.js';

/**
 * A drainable that users may make by themselves, without an application: `register()` gives it the one whose report
 * counts its jobs.
 */
export interface CountedSource extends Drainable {
  countIn(calls: CountedCalls): void;
}

export function isCountedSource(drainable: Drainable): drainable is CountedSource {
  return typeof (drainable as Partial<CountedSource>).countIn === 'function';
}
