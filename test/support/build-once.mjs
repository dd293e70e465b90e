import { buildPackages } from '../../scripts/setup-sample.mjs';

/**
 * Builds the packages before the first test, when one is older than its source: two workers must not both find that
 * out.
 */
export default function buildOnce() {
  buildPackages();
}
