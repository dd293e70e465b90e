import { type InFlightTracker } from '../../in-flight/in-flight-tracker.js';
import { type Drainable } from '../../sequence/drainable.js';
import { customTransport } from './custom/custom-transport.js';
import { grpcTransport } from './grpc/grpc-transport.js';
import { kafkaTransport } from './kafka/kafka-transport.js';
import { mqttTransport } from './mqtt/mqtt-transport.js';
import { natsTransport } from './nats/nats-transport.js';
import { redisTransport } from './redis/redis-transport.js';
import { rmqTransport } from './rmq/rmq-transport.js';
import { type MessageGate } from './shared/message-gate.js';
import { countArrivals, countMessages } from './shared/message-seam.js';
import { MessageWork } from './shared/message-work.js';
import { TransportDrainable } from './shared/transport-drainable.js';
import {
  type Transport,
  type TransportContext,
  type TransportRecogniser,
  type TransportServer,
} from './shared/transport.js';
import { tcpTransport } from './tcp/tcp-transport.js';

/** One line for each transport. The first that recognises a server has it; all others are custom strategies. */
const recognisers: readonly TransportRecogniser[] = [
  grpcTransport,
  kafkaTransport,
  mqttTransport,
  natsTransport,
  redisTransport,
  rmqTransport,
  tcpTransport,
];

/** What the transports of an application need around them. */
export interface TransportsContext extends TransportContext {
  readonly tracker: InFlightTracker;
  /** A call has been answered with a refusal. */
  refused(): void;
}

/** The transports of one application: a drainable for each server that Nest listens for messages with. */
export class Transports {
  private readonly met = new Map<TransportServer, Transport>();

  constructor(
    private readonly context: TransportsContext,
    private readonly register: (drainable: Drainable) => void,
  ) {}

  /** Reports whether any transport is under drain: then nobody else refuses messages. */
  get areDrained(): boolean {
    return this.met.size > 0;
  }

  /** What to say at bootstrap about how the transports are configured. */
  get warnings(): readonly string[] {
    return [...this.met.values()].flatMap(({ warnings }) => warnings ?? []);
  }

  /**
   * Takes a server under drain, before Nest has given it a handler.
   *
   * @param isAllowed reports whether the handler of a pattern is marked as served during shutdown
   * @returns nothing where the server is under drain already
   */
  attach(server: TransportServer, isAllowed: (pattern: unknown) => boolean): TransportDrainable | undefined {
    if (this.met.has(server)) return undefined;
    const { context } = this;
    const recognised = recognise(server, context);
    const transport = recognised ?? customTransport(server);
    this.met.set(server, transport);
    const { clock, tracker } = context;
    const work = new MessageWork(clock, tracker);
    if (recognised) countArrivals(server, work);
    const gate: MessageGate = {
      connectionOf: transport.connectionOf?.bind(transport),
      get isOver() {
        return tracker.isSealed;
      },
      // Nothing is late most of the time: that is asked first.
      lateCall: (pattern) => (this.isLate(transport) && !isAllowed(pattern) ? this.refuse(transport) : undefined),
    };
    if (transport.count) transport.count(work, gate);
    else countMessages(server, work, gate);
    const drainable = new TransportDrainable(transport, work);
    this.register(drainable);
    return drainable;
  }

  private isLate(transport: Transport): boolean {
    const { context } = this;
    return context.tracker.isSealed || (transport.refusal !== undefined && context.isDraining());
  }

  private refuse(transport: Transport): { readonly error: unknown } {
    const { context } = this;
    context.refused();
    return { error: transport.refusal?.() ?? context.refusal };
  }
}

function recognise(server: TransportServer, context: TransportContext): Transport | undefined {
  for (const recogniser of recognisers) {
    const transport = recogniser(server, context);
    if (transport) return transport;
  }
  return undefined;
}
