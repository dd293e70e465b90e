import { defer, finalize, type Observable } from 'rxjs';
import { type ClientWork, type ClientWorks, endAfterTurn, Message } from './client-work.js';

type Callback = (...args: unknown[]) => unknown;
type Transform = (result: unknown) => Observable<unknown>;

/** A message handler, as Nest hands it to a WebSocket adapter. */
export interface MessageHandler {
  readonly message: unknown;
  readonly callback: Callback;
  readonly isAckHandledManually?: boolean;
}

/** What an adapter binds to a client. */
export interface MessageBinding {
  readonly handlers: MessageHandler[];
  readonly transform: Transform;
}

/**
 * Counts the messages of `client`: each is work from the call of its handler until the promise of that has settled,
 * client or no client, *and* what `transform` has made of the result has ended, which is when the adapter has handed
 * the last reply to the socket.
 *
 * An adapter calls `transform(callback(data, ack))` in one turn, so the two find each other without a word.
 *
 * @param nameOf names a message in the report; nothing of its payload
 */
export function countMessages(
  works: ClientWorks,
  client: object,
  { handlers, transform }: MessageBinding,
  nameOf: (message: unknown) => string,
): MessageBinding {
  // Made with the first message: most clients may never send one.
  let work: ClientWork | undefined;
  let current: Message | undefined;

  const count = ({ message, callback, isAckHandledManually }: MessageHandler): Callback => {
    return (...args) => {
      current = undefined;
      work ??= works.of(client);
      if (work.isClosed) return undefined;
      const counted = new Message(nameOf(message), works.clock.now(), work, works.tracker);
      if (isAckHandledManually) keepAck(args, work);
      counted.run();
      current = counted;
      return endAfterTurn(
        () => callback(...args),
        () => counted.ran(),
      );
    };
  };

  return {
    handlers: handlers.map((handler) => ({ ...handler, callback: count(handler) })),
    transform: (result) => {
      const counted = current;
      current = undefined;
      const replies = transform(result);
      if (!counted) return replies;
      return defer(() => {
        counted.open();
        return replies.pipe(finalize(() => counted.closed()));
      });
    },
  };
}

/**
 * An ack that a handler answers in its own time. The client is waited for, and not for ever: it may never be answered.
 */
function keepAck(args: unknown[], work: ClientWork): void {
  const place = args.findIndex((arg) => typeof arg === 'function');
  if (place === -1) return;
  const ack = args[place] as Callback;
  let isOpen = true;
  work.open++;
  args[place] = (...answer: unknown[]) => {
    const result = ack(...answer);
    if (isOpen) {
      isOpen = false;
      work.open--;
      work.ended();
    }
    return result;
  };
}
