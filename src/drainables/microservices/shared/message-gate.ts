import { type CallConnection } from './call-connection.js';

/** What decides whether a message that arrives is executed. */
export interface MessageGate {
  /** Reports whether the drain is over: resources are being released, and nothing is executed any longer. */
  readonly isOver: boolean;
  /**
   * With what a call is answered that arrives too late.
   *
   * @returns undefined where it is served
   */
  lateCall(pattern: unknown): { readonly error: unknown } | undefined;
  /** The connection of a call, by what Nest hands to its handler along with the data. */
  readonly connectionOf?: (context: unknown) => CallConnection | undefined;
}
