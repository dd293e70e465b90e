import { describe, expect, it } from '@jest/globals';
import { StallWatch } from '../../../src/drill/stall-watch.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 25));

describe('StallWatch', () => {
  it('notices a stretch in which this process came to nothing, and no other', async () => {
    const watch = new StallWatch();
    watch.start();
    await turn();
    const from = performance.now();
    while (performance.now() - from < 400);
    const to = performance.now();
    await turn();
    watch.stop();
    const [stall, ...others] = watch.stalls.filter((each) => each.to - each.from > 300);
    expect(others).toEqual([]);
    expect(stall!.from).toBeLessThan(from + 25);
    expect(stall!.to).toBeGreaterThanOrEqual(to - 25);
  });
});
