/** @see https://www.rfc-editor.org/rfc/rfc9113#section-7 */
export const NO_ERROR = 0x0;
export const CANCEL = 0x8;

/** No stream has a higher id: a GOAWAY that names it refuses none. */
export const lastStreamId = 2 ** 31 - 1;

const goawayType = 0x7;

/**
 * A GOAWAY frame that asks the client to open no more streams, and refuses none that are on their way.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-6.8
 */
export function shutdownNotice(): Buffer {
  const payloadBytes = 8;
  const frame = Buffer.alloc(9 + payloadBytes);
  frame.writeUIntBE(payloadBytes, 0, 3);
  frame[3] = goawayType;
  frame.writeUInt32BE(lastStreamId, 9);
  frame.writeUInt32BE(NO_ERROR, 13);
  return frame;
}
