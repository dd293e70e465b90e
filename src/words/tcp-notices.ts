/**
 * What a server that is shut down says to a client over Nest's TCP protocol without having been asked. The protocol has
 * no word for it: it is a packet that answers no call, and clients of Nest drop those unseen. `retryWhenDraining()` of
 * `nestjs-drain/client` looks at them. They are told from each other, and from answers, by their ids.
 */
export const notices = {
  /** Connect anew with the next call. What is sent on this connection is still executed. */
  leave: 'nestjs-drain:leave',
  /** All calls that were read here have been answered, and none that is sent from here on is executed. */
  closing: 'nestjs-drain:closing',
} as const;

export type Notice = (typeof notices)[keyof typeof notices];
