import { DrainError } from '../../../sequence/errors.js';
import { overlay } from '../../shared/overlay.js';
import { nextPoll } from '../../../sequence/clock.js';
import { closeWithin } from '../shared/close-within.js';
import { GroupMembership, type GroupMessage } from './group-membership.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';

/** Nest's number for Kafka, `Transport.KAFKA`. */
const kafka = 6;

/** A consumer of kafkajs. */
interface Consumer {
  readonly events?: { readonly CRASH?: string; readonly GROUP_JOIN?: string; readonly REBALANCING?: string };
  /**
   * No message begins from here on. Resolves when those that run have ended, their offsets are committed, and the
   * group has been left. `commitOffsets()` does nothing from here on, and says nothing of it.
   */
  stop?(): Promise<unknown>;
  /**
   * Nothing further is fetched of these topics. Since kafkajs 2.1 what has been fetched of a partition whose message
   * runs does not begin either.
   *
   * @throws when the consumer has crashed
   */
  pause?(topics: readonly { readonly topic: string }[]): void;
  on?(event: string, listener: (event: ConsumerEvent) => unknown): unknown;
}

interface ConsumerEvent {
  /** Of GROUP_JOIN: the partitions of each topic. */
  readonly payload: { readonly memberAssignment: Readonly<Record<string, unknown>> };
}

type MessageHandler = (message: GroupMessage) => Promise<unknown>;

/** What of `ServerKafka` the drain relies on: in @nestjs/microservices 11 and 12 alike. */
interface KafkaServer extends TransportServer {
  readonly groupId?: string;
  readonly consumer?: Consumer | null;
  readonly options?: {
    readonly run?: { readonly autoCommit?: boolean };
    readonly consumer?: { readonly heartbeatInterval?: number };
  };
  /** Joins the group, and begins to consume. */
  bindEvents?(consumer: unknown): Promise<unknown>;
  /** What kafkajs calls with each message: it calls `handleMessage()`. */
  getMessageHandler?(): MessageHandler;
  handleMessage?(payload: unknown): unknown;
}

/**
 * Kafka: the consumer stops after the messages of now, commits, and leaves its group. Where handlers commit, it is only
 * paused until they have ended. Replies are awaited by Nest.
 */
export function kafkaTransport(server: TransportServer, { clock }: TransportContext): Transport | undefined {
  return server.transportId === kafka ? new KafkaTransport(server, clock) : undefined;
}

class KafkaTransport implements Transport {
  readonly name: string;
  private isStopping = false;
  /** The server begins to consume. */
  private beginning?: Promise<unknown>;
  /** Those of which the consumer is given partitions. */
  private topics: readonly string[] = [];
  private stopped?: Promise<unknown>;
  private readonly membership: GroupMembership;
  private tell!: () => void;
  /** The consumer has been told to stop. */
  private readonly told = new Promise<void>((resolve) => (this.tell = resolve));

  constructor(
    private readonly server: KafkaServer,
    private readonly clock: TransportContext['clock'],
  ) {
    this.name = server.groupId ? `Kafka (${server.groupId})` : 'Kafka';
    this.membership = new GroupMembership(clock);
    this.watchBeginning();
    this.watchMessages();
  }

  async stopTaking(deadline: AbortSignal): Promise<void> {
    this.isStopping = true;
    this.holdLateMessages();
    this.membership.keep(deadline, this.server.options?.consumer?.heartbeatInterval);
    // A consumer that joins its group cannot be stopped: it would go on once it has joined.
    await this.beginning;
    const { consumer, options } = this.server;
    if (!consumer) return;
    this.staysStopped(consumer);
    // No message begins from here on. It ends with those that run, and is waited for when they have ended.
    if (options?.run?.autoCommit === false) this.pause(consumer);
    else this.stop();
  }

  async flush(deadline: AbortSignal): Promise<void> {
    this.stop();
    if (this.stopped) await this.membership.ended(this.stopped, deadline);
  }

  /** To close is to leave the group first, which waits for handlers: also for one that has been given up. */
  disconnect(close: () => unknown, wasCut: boolean): Promise<void> {
    this.stop();
    return closeWithin(this.clock, wasCut, close, () => undefined);
  }

  private stop(): void {
    this.stopped ??= this.server.consumer?.stop?.();
    this.stopped?.catch(() => undefined);
    this.tell();
  }

  private pause(consumer: Consumer): void {
    try {
      consumer.pause?.(this.topics.map((topic) => ({ topic })));
    } catch {
      // It has crashed. Should it begin anew, it is paused as it joins its group.
    }
  }

  private watchBeginning(): void {
    const { server } = this;
    overlay<NonNullable<KafkaServer['bindEvents']>>(server, 'bindEvents', (original) => (consumer) => {
      if (this.isStopping) return Promise.resolve();
      this.watchGroup(consumer as Consumer);
      const begun = original.call(server, consumer);
      // Nest hears of an error; for the drain, there is nothing to stop then.
      this.beginning = begun.catch(() => undefined);
      return begun;
    });
  }

  /**
   * kafkajs hears that a message has ended when the consumer has been told to stop, and not before: one that is only
   * paused then waits for as long as a fetch may take (`maxWaitTimeInMs`), and would stop no sooner.
   */
  private watchMessages(): void {
    const { server, membership } = this;
    overlay<() => MessageHandler>(server, 'getMessageHandler', (original) => () => {
      const handle = original.call(server);
      const handleAndHold: MessageHandler = async (message) => {
        try {
          return await handle(message);
        } finally {
          if (this.isStopping) await this.told;
        }
      };
      return (message) => membership.during(message, () => handleAndHold(message)) as Promise<unknown>;
    });
  }

  private watchGroup(consumer: Consumer): void {
    const { GROUP_JOIN, REBALANCING } = consumer.events ?? {};
    if (REBALANCING !== undefined) consumer.on?.(REBALANCING, () => this.membership.rejoins());
    if (GROUP_JOIN === undefined) return;
    consumer.on?.(GROUP_JOIN, ({ payload }) => {
      this.membership.joined();
      this.topics = Object.keys(payload.memberAssignment);
      if (this.isStopping) this.pause(consumer);
    });
  }

  /**
   * A consumer that is paused may begin with what it has fetched, and one that had crashed may begin anew. What comes
   * is held until the consumer has been told to stop, for one that goes on would be given it again.
   */
  private holdLateMessages(): void {
    overlay<(payload: unknown) => unknown>(this.server, 'handleMessage', () => async () => {
      await this.told;
      tooLate();
    });
  }

  /** One that crashes meanwhile arms a timer to begin anew, just after it has told. Stopping clears it. */
  private staysStopped(consumer: Consumer): void {
    const crash = consumer.events?.CRASH;
    if (crash === undefined) return;
    consumer.on?.(crash, async () => {
      await nextPoll();
      await consumer.stop?.();
    });
  }
}

/** Its offset is not committed: another consumer is given the message. */
function tooLate(): never {
  throw new DrainError(
    'DRAIN_TOO_LATE',
    'Expected no message once the consumer had been stopped, got one. It is not executed, nor committed: another ' +
      'consumer of the group is given it.',
  );
}
