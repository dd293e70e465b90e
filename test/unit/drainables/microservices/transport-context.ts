import { type TransportContext } from '../../../../src/drainables/microservices/shared/transport.js';
import { FakeClock } from '../../../support/fake-clock.js';

/** What a transport is given: an application that runs, and is ready. */
export function contextWith(own: Partial<TransportContext> = {}): TransportContext {
  return {
    clock: new FakeClock(),
    isDraining: () => false,
    refusal: undefined,
    readiness: { isReady: () => true, probe: () => true, watch: () => undefined },
    ...own,
  };
}
