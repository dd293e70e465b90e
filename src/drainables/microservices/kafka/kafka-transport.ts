import { DrainError } from '../../../sequence/errors.js';
import { overlay } from '../../shared/overlay.js';
import { nextPoll } from '../../../sequence/clock.js';
import { closeWithin } from '../shared/close-within.js';
import { type Transport, type TransportContext, type TransportServer } from '../shared/transport.js';

/** Nest's number for Kafka, `Transport.KAFKA`. */
const kafka = 6;

/** A consumer of kafkajs. */
interface Consumer {
  readonly events?: { readonly CRASH?: string };
  /**
   * No message begins from here on. Resolves when those that run have ended, their offsets are committed, and the
   * group has been left.
   */
  stop?(): Promise<unknown>;
  on?(event: string, listener: () => unknown): unknown;
}

/** What of `ServerKafka` the drain relies on: in @nestjs/microservices 11 and 12 alike. */
interface KafkaServer extends TransportServer {
  readonly groupId?: string;
  readonly consumer?: Consumer | null;
  /** Joins the group, and begins to consume. */
  bindEvents?(consumer: unknown): Promise<unknown>;
  handleMessage?(payload: unknown): unknown;
}

/** Kafka: the consumer stops after the messages of now, commits, and leaves its group. Replies are awaited by Nest. */
export function kafkaTransport(server: TransportServer, { clock }: TransportContext): Transport | undefined {
  return server.transportId === kafka ? new KafkaTransport(server, clock) : undefined;
}

class KafkaTransport implements Transport {
  readonly name: string;
  private isStopping = false;
  /** The server begins to consume. */
  private beginning?: Promise<unknown>;
  private stopped?: Promise<unknown>;

  constructor(
    private readonly server: KafkaServer,
    private readonly clock: TransportContext['clock'],
  ) {
    this.name = server.groupId ? `Kafka (${server.groupId})` : 'Kafka';
    this.watchBeginning();
    this.refuseLateMessages();
  }

  async stopTaking(): Promise<void> {
    this.isStopping = true;
    // A consumer that joins its group cannot be stopped: it would go on once it has joined.
    await this.beginning;
    const { consumer } = this.server;
    if (!consumer?.stop) return;
    this.staysStopped(consumer);
    // No message begins from here on. It ends with those that run, and is waited for when they have ended.
    this.stopped = consumer.stop();
    this.stopped.catch(() => undefined);
  }

  async flush(): Promise<void> {
    await this.stopped;
  }

  /** To close is to leave the group first, which waits for handlers: also for one that has been given up. */
  disconnect(close: () => unknown, wasCut: boolean): Promise<void> {
    return closeWithin(this.clock, wasCut, close, () => undefined);
  }

  private watchBeginning(): void {
    const { server } = this;
    overlay<NonNullable<KafkaServer['bindEvents']>>(server, 'bindEvents', (original) => (consumer) => {
      if (this.isStopping) return Promise.resolve();
      const begun = original.call(server, consumer);
      // Nest hears of an error; for the drain, there is nothing to stop then.
      this.beginning = begun.catch(() => undefined);
      return begun;
    });
  }

  /** A consumer that had crashed may be about to begin anew, and cannot be told from one that is stopped. */
  private refuseLateMessages(): void {
    const { server } = this;
    overlay<(payload: unknown) => unknown>(server, 'handleMessage', (original) => (payload) => {
      return this.isStopping ? tooLate() : original.call(server, payload);
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
