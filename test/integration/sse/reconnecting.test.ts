import { Controller, Headers, type MessageEvent, Sse } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Observable } from 'rxjs';
import { TcpBalancer } from '../../../packages/tools/src/drill/index.js';
import {
  type ApplicationSetup,
  closeAll,
  frameworks,
  holdDraining,
  holds,
  type Platform,
  type RunningApplication,
  turns,
} from '../../support/applications.js';
import { EventSourceClient } from '../../support/event-source.js';
import { startStreams } from './streams.js';

/** A log of numbered events that all replicas read: a new one every few milliseconds, from the first reader on. */
class EventLog {
  last = 0;
  private timer?: NodeJS.Timeout;
  private readonly readers = new Set<(number: number) => void>();

  read(after: number): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      const next = (number: number) => subscriber.next({ id: `${number}`, data: `${number}` });
      this.timer ??= setInterval(() => this.add(), 4);
      for (let number = after + 1; number <= this.last; number++) next(number);
      this.readers.add(next);
      return () => void this.readers.delete(next);
    });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private add(): void {
    this.last++;
    for (const reader of [...this.readers]) reader(this.last);
  }
}

const backendOf = ({ port }: RunningApplication) => ({ host: '127.0.0.1', port });
const clientCount = 6;

describe.each(frameworks)('An EventSource behind a balancer, on %s', (framework) => {
  let log: EventLog;
  let balancer: TcpBalancer;
  const platform: Platform = { framework, protocol: 'http' };

  afterEach(async () => {
    log.stop();
    EventSourceClient.closeAll();
    await balancer.close();
    await closeAll();
  });

  async function replica(setup: ApplicationSetup): Promise<RunningApplication> {
    @Controller()
    class LogController {
      @Sse('log')
      read(@Headers('last-event-id') last = '0'): Observable<MessageEvent> {
        return log.read(Number(last));
      }
    }
    const running = await startStreams(platform, { ...setup, controllers: [LogController] });
    await balancer.add(backendOf(running));
    await balancer.whenInRotation(backendOf(running));
    return running;
  }

  /** Rolls two replicas, one after the other, under clients that read all the while. */
  async function roll(
    setup: ApplicationSetup,
    beforeClose: (old: RunningApplication) => void = () => undefined,
  ): Promise<EventSourceClient[]> {
    log = new EventLog();
    balancer = await TcpBalancer.listen({ readinessPath: '/health/ready', probePeriodMs: 10, lagMs: 30 });
    const first = [await replica(setup), await replica(setup)];
    const clients = Array.from({ length: clientCount }, () => clientOf(balancer));
    const goOn = () => {
      const { last } = log;
      return Promise.all(clients.map((client) => client.until(({ events }) => Number(events.at(-1)?.id) > last)));
    };
    await goOn();
    for (const old of first) {
      await replica(setup);
      beforeClose(old);
      await old.app.close();
      await balancer.remove(backendOf(old));
      await goOn();
    }
    for (const client of clients) client.close();
    return clients;
  }

  const clientOf = ({ url }: TcpBalancer) => new EventSourceClient(`${url}/log`, { reconnectMs: 20 });

  it('sees clean ends alone, and misses no numbered event, through a lame duck', async () => {
    const lameDuck = { minMs: 300, quietMs: 0, maxMs: 300 };
    // A busy machine has the balancer come late to its probes: the lame duck lasts until it has left, and a moment more.
    const untilLeft = async (old: RunningApplication) => {
      await holds(() => !balancer.isInRotation(backendOf(old)));
      await turns(20);
    };
    const clients = await roll({ drain: { lameDuck, eventStreams: { retryMs: 20 } } }, (old) =>
      old.shutdown.onShutdown('lame-duck', () => untilLeft(old), { timeoutMs: 10_000 }),
    );
    for (const { ends, failure, events } of clients) {
      expect(failure).toBeUndefined();
      expect(new Set(ends)).toEqual(new Set(['clean']));
      expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, at) => at + 1));
    }
  });

  it('finds no listener now and then without a lame duck, and misses no numbered event either', async () => {
    const clients = await roll({ drain: { eventStreams: { retryMs: 20 } } });
    for (const { ends, failure, events } of clients) {
      expect(failure).toBeUndefined();
      expect(ends).toContain('clean');
      expect(ends).not.toContain('cut');
      expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, at) => at + 1));
    }
  });

  it('is cut without the module', async () => {
    const clients = await roll({ drain: false, nest: { forceCloseConnections: true } });
    expect(clients.flatMap(({ ends }) => ends)).toContain('cut');
  });

  it('comes through to another replica while the balancer still sends it to one that drains', async () => {
    log = new EventLog();
    // It notices too late, in effect never.
    balancer = await TcpBalancer.listen({ readinessPath: '/health/ready', probePeriodMs: 10, lagMs: 60_000 });
    const setup = { drain: { eventStreams: { retryMs: 10 } } };
    const [old] = [await replica(setup), await replica(setup)];
    const clients = Array.from({ length: clientCount }, () => clientOf(balancer));
    await Promise.all(clients.map((client) => client.until(({ events }) => events.length > 3)));
    const closing = await holdDraining(old);
    // Half of them were on it. They come again and again, and each time the next one in turn gets the connection.
    await Promise.all(
      clients.map((client) => {
        const begun = client.ends.length;
        const { last } = log;
        return client.until(({ events, ends }) => Number(events.at(-1)?.id) > last && ends.length >= begun);
      }),
    );
    const extra = Array.from({ length: 4 }, () => clientOf(balancer));
    await Promise.all(extra.map((client) => client.until(({ events }) => events.length > 3)));
    const { refused } = await closing.end();
    expect(refused).toBeGreaterThan(0);
    for (const { failure, ends, events } of [...clients, ...extra]) {
      expect(failure).toBeUndefined();
      expect(ends).not.toContain('cut');
      expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, at) => at + 1));
    }
  });
});
