import { overlay } from '../../shared/overlay.js';
import { followed, standInFor } from '../shared/message-seam.js';
import { type MessageGate } from '../shared/message-gate.js';
import { type MessageWork, type RunningMessage } from '../shared/message-work.js';
import { type AddHandler, type TransportServer } from '../shared/transport.js';
import { type GrpcHandler, refuseCall } from './grpc-js.js';

/** Where a call carries its message. In a `WeakMap` beside it, it cost some 4 % of the CPU of a call. */
const carried = Symbol('message in flight');

interface Carrying {
  [carried]?: RunningMessage;
}

/**
 * Counts calls at grpc-js, where they are all alike: those of Nest's controllers, of any kind, and those of services
 * that the application has added itself. A call is work until grpc-js has sent its status *and* its handler has ended.
 *
 * A handler that goes on when its caller has gone is abandoned, as a handler of HTTP is.
 */
export class GrpcCalls {
  constructor(
    private readonly work: MessageWork,
    private readonly gate: MessageGate,
  ) {}

  /** Follows the handlers that a server of Nest's is given from now on. */
  followHandlers(server: TransportServer): void {
    overlay<AddHandler>(server, 'addHandler', (original) => (pattern, callback, ...rest) => {
      const standIn = standInFor(callback, (run, args) => this.follow(run, args));
      return original.call(server, pattern, standIn, ...rest);
    });
  }

  /**
   * What is registered in place of the handler of a method.
   *
   * @param path of the method: `/orders.Orders/Create`
   */
  counted(path: string, handler: GrpcHandler): GrpcHandler {
    const { gate, work } = this;
    const name = path.slice(1);
    return function (this: unknown, call, answer) {
      if (gate.lateCall(path)) return refuseCall(call, answer);
      const message = work.begin('rpc', name);
      (call as Carrying)[carried] = message;
      let isAnswered = false;
      call.once('cancelled', () => {
        if (!isAnswered && !call.writableEnded) work.abandon(message);
        // Its status has been sent: nothing follows.
        message.drop();
      });
      if (!answer) return handler.call(this, call);
      return handler.call(this, call, (...args) => {
        isAnswered = true;
        answer(...args);
      });
    };
  }

  private follow(run: () => unknown, args: readonly unknown[]): unknown {
    // `(request, metadata, call)`, or where the handler is given the call itself `(call, answer)`.
    const message = messageOf(args[2]) ?? messageOf(args[0]);
    if (!message) return run();
    message.hold();
    return followed(run, message);
  }
}

function messageOf(call: unknown): RunningMessage | undefined {
  return typeof call === 'object' && call !== null ? (call as Carrying)[carried] : undefined;
}
