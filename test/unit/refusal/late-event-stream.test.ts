import { describe, expect, it } from '@jest/globals';
import { lateEventStream } from '../../../src/refusal/late-event-stream.js';

describe('lateEventStream', () => {
  it('is an empty stream with a hint between half and one and a half of the time', () => {
    expect([0, 0.5, 0.999_999].map((random) => lateEventStream(undefined, 1_000, () => random).body)).toEqual([
      'retry: 500\n\n',
      'retry: 1000\n\n',
      'retry: 1500\n\n',
    ]);
  });

  it('says how long it is, and is not to be kept', () => {
    expect(lateEventStream(undefined, 0)).toEqual({
      statusCode: 200,
      headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'Content-Length': 10 },
      body: 'retry: 0\n\n',
    });
  });

  it('may be read by the origin that asks', () => {
    expect(lateEventStream('https://shop.example', 1).headers).toMatchObject({
      'Access-Control-Allow-Origin': 'https://shop.example',
      'Access-Control-Allow-Credentials': 'true',
    });
  });
});
