export { retryWhenDraining, type DrainingClient, type RetryWhenDrainingOptions } from './retry-when-draining.js';
