import { type TransportReadiness } from '../shared/transport.js';
import { type GrpcCall, type GrpcHandler, refuseCall } from './grpc-js.js';

/** Paths of the methods of the health service: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const service = '/grpc.health.v1.Health/';
/** `ServingStatus`, by name and by number: implementations differ. */
const serving: readonly unknown[] = ['SERVING', 1];
const notServing = { name: 'NOT_SERVING', number: 2 } as const;

/**
 * The health service of an application that has one, made by whatever it likes: what it answers as serving is not
 * serving once readiness has failed. Its calls are no work. Whoever watches is told when that happens.
 */
export class GrpcHealth {
  private readonly watches = new Set<Watch>();

  constructor(private readonly readiness: TransportReadiness) {
    readiness.watch(() => {
      for (const watch of this.watches) watch.look();
    });
  }

  /** What is registered in place of the handler of a method; nothing for one of another service. */
  standInFor(path: string, handler: GrpcHandler): GrpcHandler | undefined {
    if (!path.startsWith(service)) return undefined;
    const { readiness, watches } = this;
    return function (this: unknown, call, answer) {
      if (answer) {
        const isReady = readiness.probe();
        return handler.call(this, call, (error, value, ...rest) =>
          answer(error, error || isReady ? value : unready(value), ...rest),
        );
      }
      const watch = new Watch(call, readiness);
      watches.add(watch);
      call.once('cancelled', () => watches.delete(watch));
      return handler.call(this, call);
    };
  }

  /** Sends away whoever watches: it never ends by itself. */
  endWatches(): void {
    for (const watch of this.watches) watch.end();
    this.watches.clear();
  }
}

/** A call of somebody who is told of every change. */
class Watch {
  private last: unknown;
  private wasReady = true;
  private readonly write: (message: unknown, ...rest: unknown[]) => boolean;

  constructor(
    private readonly call: GrpcCall,
    private readonly readiness: TransportReadiness,
  ) {
    this.write = call.write!.bind(call);
    call.write = (message, ...rest) => {
      this.last = message;
      return this.write(this.worded(), ...rest);
    };
  }

  look(): void {
    if (this.readiness.isReady() === this.wasReady || this.last === undefined || this.call.writableEnded) return;
    this.write(this.worded());
  }

  end(): void {
    const { call } = this;
    refuseCall(call);
    // Its handler learns that nobody listens any longer.
    call.cancelled = true;
    call.emit('cancelled', 'cancelled');
  }

  private worded(): unknown {
    this.wasReady = this.readiness.probe();
    return this.wasReady ? this.last : unready(this.last);
  }
}

/** A message of google-protobuf. */
interface Accessors {
  getStatus?(): unknown;
  setStatus?(status: number): void;
  cloneMessage?(): Accessors;
}

/** An answer about one service, or `List`'s about all, in which nothing serves. */
function unready(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  const message = answer as Accessors;
  if (typeof message.getStatus === 'function' && typeof message.cloneMessage === 'function') {
    if (!serving.includes(message.getStatus())) return answer;
    const clone = message.cloneMessage();
    clone.setStatus?.(notServing.number);
    return clone;
  }
  const { status, statuses } = answer as { status?: unknown; statuses?: unknown };
  if (serving.includes(status)) {
    return { ...answer, status: typeof status === 'number' ? notServing.number : notServing.name };
  }
  if (typeof statuses !== 'object' || statuses === null) return answer;
  return {
    ...answer,
    statuses: Object.fromEntries(Object.entries(statuses).map(([name, each]) => [name, unready(each)])),
  };
}
