import { beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, type Observable } from 'rxjs';
import { Server as NetServer } from 'node:net';
import {
  type MessageCallback,
  type TransportServer,
} from '../../../../src/drainables/microservices/shared/transport.js';
import { Transports } from '../../../../src/drainables/microservices/transports.js';
import { InFlightTracker } from '../../../../src/in-flight/in-flight-tracker.js';
import { type Drainable } from '../../../../src/sequence/drainable.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { contextWith } from './transport-context.js';

/** What all servers of Nest have. */
class FakeServer implements TransportServer {
  readonly handlers = new Map<unknown, MessageCallback>();
  readonly server = new NetServer();
  readonly handleMessage = () => undefined;

  constructor(readonly transportId?: unknown) {}

  addHandler(pattern: unknown, callback: MessageCallback): void {
    this.handlers.set(pattern, callback);
  }

  send(): void {
    // Nothing is answered here.
  }

  handle(callback: MessageCallback, isEvent = false): MessageCallback {
    (this as TransportServer).addHandler!('orders.create', callback, isEvent);
    return this.handlers.get('orders.create')!;
  }
}

const [tcp, nats] = [0, 2];
const never = new AbortController().signal;

let tracker: InFlightTracker;
let registered: Drainable[];
let refusals: number;
let isDraining: boolean;
let transports: Transports;

beforeEach(() => {
  const clock = new FakeClock();
  tracker = new InFlightTracker(clock);
  [registered, refusals, isDraining] = [[], 0, false];
  const context = contextWith({ clock, isDraining: () => isDraining, refusal: { code: 'DRAINING' } });
  transports = new Transports({ ...context, tracker, refused: () => refusals++ }, (each) => registered.push(each));
});

function attached(transportId?: unknown, isAllowed = () => false): FakeServer {
  const server = new FakeServer(transportId);
  transports.attach(server, isAllowed);
  return server;
}

const outcomeOf = async (handler: MessageCallback) => {
  const result = handler();
  if (typeof result === 'string') return result;
  return firstValueFrom(result as Observable<unknown>).catch((error: unknown) => error);
};

describe('The transports of an application', () => {
  it('are drained, each server once', () => {
    expect(transports.areDrained).toBe(false);
    const server = attached(tcp);
    transports.attach(server, () => false);
    attached(nats);
    expect(registered.map(({ name }) => name)).toEqual(['TCP transport', 'NATS transport']);
    expect(transports.areDrained).toBe(true);
  });

  it('have their messages counted from the arrival on, where it is known what tells of it', () => {
    const custom = attached();
    const { handleMessage } = new FakeServer();
    expect(String(custom.handleMessage)).toBe(String(handleMessage));
    expect(String(attached(nats).handleMessage)).not.toBe(String(handleMessage));
  });
});

describe('A call that arrives while draining', () => {
  const executed = () => 'executed';

  it('is refused, and counted, where its caller can go elsewhere', async () => {
    const handler = attached(tcp).handle(executed);
    expect(await outcomeOf(handler)).toBe('executed');
    isDraining = true;
    expect(await outcomeOf(handler)).toEqual({ code: 'DRAINING' });
    expect(refusals).toBe(1);
  });

  it('is served where its handler is allowed to', async () => {
    const handler = attached(tcp, () => true).handle(executed);
    isDraining = true;
    expect(await outcomeOf(handler)).toBe('executed');
  });

  it('is served where a broker has delivered it, until the drain is over', async () => {
    const handler = attached(nats).handle(executed);
    isDraining = true;
    expect(await outcomeOf(handler)).toBe('executed');
    tracker.seal();
    expect(await outcomeOf(handler)).toEqual({ code: 'DRAINING' });
    expect(refusals).toBe(1);
  });

  it('is not executed where it is an event, and the drain is over', async () => {
    const handler = attached(nats).handle(executed, true);
    tracker.seal();
    expect(await outcomeOf(handler)).toMatchObject({ code: 'DRAIN_TOO_LATE' });
  });
});

describe('A custom strategy', () => {
  class Queue extends FakeServer {
    readonly steps: string[] = [];

    async stopConsuming(): Promise<void> {
      this.steps.push('stopConsuming');
    }

    async flush(): Promise<void> {
      this.steps.push('flush');
    }
  }

  it('is told to take no further messages, and to flush', async () => {
    const queue = new Queue();
    transports.attach(queue, () => false);
    await registered[0]!.drain(never);
    expect(queue.steps).toEqual(['stopConsuming', 'flush']);
    expect(transports.warnings).toEqual([]);
  });

  it('is named in a warning where it cannot be told', async () => {
    attached();
    expect(transports.warnings).toEqual([expect.stringMatching(/^FakeServer: expected a method stopConsuming\(\)/)]);
    await registered[0]!.drain(never);
  });
});
