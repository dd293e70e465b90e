import { buildPackage } from '../../scripts/setup-sample.mjs';

/** Builds the package before the first test, when it is older than its source: two workers must not both find that out. */
export default function buildOnce() {
  buildPackage();
}
