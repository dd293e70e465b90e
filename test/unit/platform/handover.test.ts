import { describe, expect, it } from '@jest/globals';
import { Handover } from '../../../src/platform/handover.js';

const container = { KUBERNETES_SERVICE_HOST: '10.96.0.1' };

describe('Handover', () => {
  it('is due where the socket is shared, and the machine goes on', () => {
    expect(new Handover('cluster', {}).isDue).toBe(true);
    expect(new Handover(undefined, {}).isDue).toBe(false);
  });

  it('is not due in a container that its platform stops as a whole, unless the primary takes this process out', () => {
    const handover = new Handover('cluster', container);
    expect(handover.isDue).toBe(false);
    handover.takenOut();
    expect(handover.isDue).toBe(true);
  });

  it('is due for a worker of a supervisor for as long as the others go on, wherever they run', () => {
    const supervised = { isGroupStopping: false, drainsItself: true };
    const handover = new Handover('supervisor', container, supervised);
    expect(handover.isDue).toBe(true);
    supervised.isGroupStopping = true;
    expect(handover.isDue).toBe(false);
  });
});
