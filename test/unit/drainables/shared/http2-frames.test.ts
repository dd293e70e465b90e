import { describe, expect, it } from '@jest/globals';
import { shutdownNotice } from '../../../../src/drainables/shared/http2-frames.js';

describe('shutdownNotice', () => {
  it('is one GOAWAY frame on stream 0 that names the highest stream id, and no error', () => {
    expect(shutdownNotice().toString('hex')).toBe(
      [
        '000008', // length
        '07', // GOAWAY
        '00', // no flags
        '00000000', // stream 0
        '7fffffff', // last stream id
        '00000000', // NO_ERROR
      ].join(''),
    );
  });
});
