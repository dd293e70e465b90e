import { beforeEach, describe, expect, it } from '@jest/globals';
import { MessageWork } from '../../../../../src/drainables/microservices/shared/message-work.js';
import { TransportDrainable } from '../../../../../src/drainables/microservices/shared/transport-drainable.js';
import { type Transport } from '../../../../../src/drainables/microservices/shared/transport.js';
import { InFlightTracker } from '../../../../../src/in-flight/in-flight-tracker.js';
import { FakeClock, settle } from '../../../../support/fake-clock.js';

describe('The drain of a transport', () => {
  let work: MessageWork;
  let took: string[];

  beforeEach(() => {
    const clock = new FakeClock();
    work = new MessageWork(clock, new InFlightTracker(clock));
    took = [];
  });

  function drainableOf(transport: Partial<Transport> = {}): TransportDrainable {
    const step = (name: string) => () => {
      took.push(name);
      return Promise.resolve();
    };
    return new TransportDrainable(
      { name: 'Test', stopTaking: step('stopTaking'), flush: step('flush'), ...transport },
      work,
    );
  }

  const left = { kind: 'transport', name: 'Test', ageMs: 0, detail: '2 messages handed back' };
  const noDeadline = () => new AbortController().signal;

  it('takes no further messages, waits for those in progress, and flushes', async () => {
    const message = work.begin('rpc', 'a');
    const drained = drainableOf().drain(noDeadline());
    await settle();
    await settle();
    expect(took).toEqual(['stopTaking']);
    message.drop();
    await drained;
    expect(took).toEqual(['stopTaking', 'flush']);
  });

  it('waits for a message that came with the confirmation, and reaches its handler later in that turn', async () => {
    let message = work.begin('rpc', 'none');
    message.drop();
    const stopTaking = () => {
      setImmediate(() => (message = work.begin('rpc', 'a')));
      return Promise.resolve();
    };
    const drained = drainableOf({ stopTaking }).drain(noDeadline());
    await settle();
    await settle();
    expect(took).toEqual([]);
    message.drop();
    await drained;
    expect(took).toEqual(['flush']);
  });

  it('flushes again when messages came meanwhile', async () => {
    let flushes = 0;
    const flush = () => {
      if (++flushes === 1) {
        const message = work.begin('event', 'a');
        setImmediate(() => message.drop());
      }
      return Promise.resolve();
    };
    await drainableOf({ flush }).drain(noDeadline());
    expect(flushes).toBe(2);
  });

  it('waits for messages though it could not be told to take no further ones, and fails then', async () => {
    const message = work.begin('rpc', 'a');
    let ended = false;
    const drained = drainableOf({ stopTaking: () => Promise.reject(new Error('disconnected')) }).drain(noDeadline());
    const failed = expect(drained).rejects.toThrow('disconnected');
    void drained.catch(() => undefined).then(() => (ended = true));
    await settle();
    await settle();
    expect(ended).toBe(false);
    message.drop();
    await failed;
    expect(took).toEqual(['flush']);
  });

  it('fails with what failed first, thrown or rejected', async () => {
    const stopTaking = () => {
      throw new Error('disconnected');
    };
    const flush = () => {
      took.push('flush');
      return Promise.reject(new Error('flushed nothing'));
    };
    await expect(drainableOf({ stopTaking, flush }).drain(noDeadline())).rejects.toThrow('disconnected');
    expect(took).toEqual(['flush']);
  });

  it('has nothing confirmed where messages were not finished in time', async () => {
    work.begin('rpc', 'a');
    const deadline = new AbortController();
    const drained = drainableOf({ leftovers: () => [left] }).drain(deadline.signal);
    await settle();
    await settle();
    deadline.abort();
    expect(await drained).toEqual([]);
    expect(took).toEqual(['stopTaking']);
  });

  it('names what was cut, and the replies that have not left', async () => {
    work.replyBegins();
    work.replyBegins();
    const drainable = drainableOf({ cut: () => [left] });
    expect(await drainable.forceClose()).toEqual([
      { kind: 'transport', name: 'Test', ageMs: 0, detail: '2 replies unsent' },
      left,
    ]);
  });

  it('names nothing that was confirmed in time', async () => {
    const drainable = drainableOf();
    await drainable.drain(noDeadline());
    expect(await drainable.forceClose()).toEqual([]);
  });

  it('names at the deadline what was not confirmed', async () => {
    const deadline = new AbortController();
    const drainable = drainableOf({ flush: () => new Promise(() => undefined) });
    const drained = drainable.drain(deadline.signal);
    await settle();
    await settle();
    deadline.abort();
    await drained;
    expect(await drainable.forceClose()).toEqual([
      { kind: 'transport', name: 'Test', ageMs: 0, detail: 'had not confirmed what was written' },
    ]);
  });

  it('names what it has drained without', async () => {
    expect(await drainableOf({ leftovers: () => [left] }).drain(noDeadline())).toEqual([left]);
    expect(await drainableOf().drain(noDeadline())).toEqual([]);
  });
});

describe('The close of a transport by Nest', () => {
  function drainableOf(disconnect?: Transport['disconnect']): TransportDrainable {
    const clock = new FakeClock();
    const transport = { name: 'Test', stopTaking: () => Promise.resolve(), disconnect };
    return new TransportDrainable(transport, new MessageWork(clock, new InFlightTracker(clock)));
  }
  const close = () => 'closed';

  it('is left to a transport that has a way of its own, which is told whether the drain has been cut', async () => {
    const drainable = drainableOf((closeAsNest, wasCut) => [closeAsNest(), wasCut]);
    expect(drainable.disconnect(close)).toEqual(['closed', false]);
    await drainable.forceClose();
    expect(drainable.disconnect(close)).toEqual(['closed', true]);
  });

  it('is as Nest does it for all others', () => {
    expect(drainableOf().disconnect(close)).toBe('closed');
  });
});
