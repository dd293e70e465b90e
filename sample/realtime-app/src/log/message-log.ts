import { Injectable } from '@nestjs/common';
import { defer, Observable, share, timer } from 'rxjs';

/** One message, and who sent it. */
export interface Message {
  readonly n: number;
  readonly replica: string;
}

/** A new message every so often, ms. */
const periodMs = 250;
/** How many messages back somebody can be who comes back: a minute. */
const kept = 240;

/**
 * The log that all replicas read, and a stand-in for a stream of Redis or a topic of Kafka: message `n` appears when
 * the clock reaches `n × 250 ms`, on every replica alike. What makes a roll-out go unnoticed is that it can be read
 * from any place on: a client says the last number it has seen, and gets what came since.
 */
@Injectable()
export class MessageLog {
  readonly replica = process.env.REPLICA ?? `replica ${process.pid}`;

  /** One timer for everybody, armed while somebody reads. */
  private readonly ticks = defer(() => timer(periodMs - (Date.now() % periodMs), periodMs)).pipe(share());

  private get newest(): number {
    return Math.floor(Date.now() / periodMs);
  }

  /**
   * Emits every message after `last` that is still kept, and then each new one. Whoever has seen nothing begins with
   * the newest.
   */
  after(last: number | undefined): Observable<Message> {
    return new Observable((subscriber) => {
      let n = Math.max(last ?? this.newest - 1, this.newest - kept);
      const send = () => {
        while (n < this.newest) subscriber.next({ n: ++n, replica: this.replica });
      };
      send();
      return this.ticks.subscribe(send);
    });
  }
}

/** What a client says it has seen: a whole number, or nothing. */
export function lastSeen(said: unknown): number | undefined {
  const last = typeof said === 'string' || typeof said === 'number' ? Number(said) : NaN;
  return Number.isSafeInteger(last) && last > 0 ? last : undefined;
}
