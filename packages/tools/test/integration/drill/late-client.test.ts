import { describe, expect, it } from '@jest/globals';
import { StallWatch } from '../../../src/drill/stall-watch.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 25));

describe('StallWatch', () => {
  it('notices a stretch in which this process came to nothing, and no other', async () => {
    const watch = new StallWatch();
    // Another witness: a busy machine may add stretches of its own.
    const turnsAt = [performance.now()];
    let next = setImmediate(function turned() {
      turnsAt.push(performance.now());
      next = setImmediate(turned);
    });
    watch.start();
    await turn();
    const from = performance.now();
    while (performance.now() - from < 400);
    const to = performance.now();
    await turn();
    watch.stop();
    clearImmediate(next);
    const noticed = watch.stalls.filter((each) => each.to - each.from > 300);
    const seen = turnsAt.filter((at, turn) => turn > 0 && at - turnsAt[turn - 1]! > 250);
    expect(noticed.length).toBeLessThanOrEqual(seen.length);
    expect(noticed.filter((stall) => stall.from < from + 25 && stall.to >= to - 25)).toHaveLength(1);
  });
});
