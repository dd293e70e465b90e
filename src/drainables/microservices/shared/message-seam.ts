import { defer, finalize, isObservable, throwError } from 'rxjs';
import { copyFunction } from '../../../in-flight/metadata.js';
import { endWith, isPromise, runUntilSettled } from '../../../in-flight/run-until-settled.js';
import { DrainError } from '../../../sequence/errors.js';
import { overlay } from '../../shared/overlay.js';
import { asOutcome, fromOutcome } from './listeners-seam.js';
import { type MessageGate } from './message-gate.js';
import { type MessageWork, type RunningMessage } from './message-work.js';
import { type AddHandler, type MessageCallback, type TransportServer } from './transport.js';

/**
 * Counts the messages of a server of Nest's, and refuses late ones. It stands in for two methods that every server has:
 *
 * - `addHandler()`: a message is work from the call of its handler until its promise has settled *and* the observable
 *   that it came to has ended. Several listeners of one event are chained by Nest through the function it has given.
 * - `send()`: a packet of a reply is on its way until the transport has taken it, where the transport takes its time. Nest
 *   hands the next one on as soon as it has, and the first before the message itself has ended.
 *
 * Both belong to `Server` of @nestjs/microservices since version 5, and are inherited by custom strategies.
 */
export function countMessages(server: TransportServer, work: MessageWork, gate: MessageGate): void {
  overlay<AddHandler>(server, 'addHandler', (original) => (pattern, callback, isEventHandler, ...rest) => {
    const counted = countCalls(server, callback, pattern, isEventHandler === true, work, gate);
    return original.call(server, pattern, counted, isEventHandler, ...rest);
  });
  overlay<NonNullable<TransportServer['send']>>(
    server,
    'send',
    (original) => (stream, respond) =>
      original.call(server, stream, (packet) => {
        const taken = respond(packet);
        if (!isPromise(taken)) return taken;
        work.replyBegins();
        return endWith(taken, work.replyLeft);
      }),
  );
}

/** Nest's own, by the names of their classes: they take no time. */
const immediateDeserializers = [
  'IncomingRequestDeserializer',
  'KafkaRequestDeserializer',
  'NatsRequestJSONDeserializer',
];

/**
 * Counts messages from their arrival on, before their handlers are called: a deserializer, or a hook of Nest's that
 * belongs to the application, may take its time. Of a custom strategy nobody knows what a method of this name does.
 */
export function countArrivals(server: TransportServer, work: MessageWork): void {
  const { onProcessingStartHook } = server;
  const isImmediate = immediateDeserializers.includes(server.deserializer?.constructor.name ?? '');
  overlay<NonNullable<TransportServer['handleMessage']>>(server, 'handleMessage', (original) => (...args) => {
    if (isImmediate && server.onProcessingStartHook === onProcessingStartHook) {
      work.arrivesNow();
      return original.apply(server, args);
    }
    work.arrives();
    return runUntilSettled(() => original.apply(server, args), work.arrived);
  });
}

/** Names a message by its pattern: never by what it carries. */
export function nameOfPattern(pattern: unknown): string {
  // Topics of Kafka may be given by one.
  if (pattern instanceof RegExp) return String(pattern);
  if (typeof pattern !== 'string') return JSON.stringify(pattern) ?? String(pattern);
  if (!pattern.startsWith('{')) return pattern;
  // Nest makes the pattern of a gRPC method out of these.
  const { service, rpc } = parsed(pattern) as { service?: unknown; rpc?: unknown };
  return typeof service === 'string' && typeof rpc === 'string' ? `${service}/${rpc}` : pattern;
}

function countCalls(
  server: TransportServer,
  callback: MessageCallback,
  pattern: unknown,
  isEvent: boolean,
  work: MessageWork,
  gate: MessageGate,
): MessageCallback {
  const kind = isEvent ? 'event' : 'rpc';
  const name = nameOfPattern(pattern);
  return standInFor(callback, (run, args) => {
    if (gate.isOver && isEvent) return notExecuted(server, tooLate(name));
    const late = isEvent ? undefined : gate.lateCall(pattern);
    if (late) return throwError(() => late.error);
    const message = work.begin(kind, name, isEvent ? undefined : gate.connectionOf?.(args[1]));
    // The result is looked at when it is there, and handed on in its turn.
    return followed(run, message);
  });
}

/**
 * A function that Nest takes for the handler it has given.
 *
 * @param call is given what calls the handler, and its arguments
 */
export function standInFor(
  callback: MessageCallback,
  call: (run: () => unknown, args: readonly unknown[]) => unknown,
): MessageCallback {
  let { next } = callback;
  const standIn = copyFunction<MessageCallback>(callback, function (this: unknown, ...args: unknown[]): unknown {
    return call(() => {
      const result = callback.apply(this, args);
      return next ? fromOutcome(result) : result;
    }, args);
  });
  Object.defineProperty(standIn, 'next', {
    configurable: true,
    enumerable: true,
    get: () => next,
    set: (listener: MessageCallback) => {
      next = listener;
      callback.next = asOutcome(listener);
    },
  });
  return standIn;
}

/** Thrown, it would end the process: up to Nest 11 nobody catches what handlers throw, for its own never do. */
function notExecuted(server: TransportServer, error: DrainError): unknown {
  server.handleError?.(error);
  return throwError(() => error);
}

/**
 * Runs a handler of `message`, which it holds once, until its promise has settled and its stream has ended; returns what
 * the handler returns, or throws what it throws.
 */
export function followed(run: () => unknown, message: RunningMessage): unknown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    message.drop();
    throw error;
  }
  if (!(result instanceof Promise)) return handOn(result, message);
  return result.then(
    (value) => handOn(value, message),
    (error: unknown) => {
      message.dropAfterTurn();
      throw error;
    },
  );
}

/** Its lease ends a turn later, when whoever has called it has subscribed to what it returned, and has answered. */
function handOn(result: unknown, message: RunningMessage): unknown {
  message.dropAfterTurn();
  if (!isObservable(result)) return result;
  return defer(() => {
    message.hold();
    return result.pipe(finalize(() => message.dropAfterTurn()));
  });
}

function tooLate(name: string): DrainError {
  return new DrainError(
    'DRAIN_TOO_LATE',
    `Expected the event '${name}' to arrive before the drain was over, got it afterwards: resources are being ` +
      'released, and it is not executed. Its broker keeps it where events are acknowledged.',
  );
}

function parsed(json: string): object {
  try {
    return JSON.parse(json) as object;
  } catch {
    return {};
  }
}
