import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from '@jest/globals';
import { type ShutdownEvent, ShutdownEvents } from '../../../src/sequence/events.js';
import { type ShutdownReport } from '../../../src/sequence/report.js';
import { SequenceUnderTest, closing } from './sequence-under-test.js';

const problem: ShutdownEvent = { type: 'problem', message: 'something' };
const phaseEvent = (phase: 'lame-duck' | 'draining' | 'releasing' | 'closed'): ShutdownEvent => ({
  type: 'phase',
  phase,
  previous: 'running',
  reason: 'app.close()',
  elapsedMs: 0,
  inFlight: 0,
});

describe('ShutdownEvents', () => {
  it('hands each event to every listener', () => {
    const events = new ShutdownEvents();
    const heard: string[] = [];
    events.subscribe((event) => heard.push(`one ${event.type}`));
    events.subscribe((event) => heard.push(`other ${event.type}`));
    events.emit(problem);
    expect(heard).toEqual(['one problem', 'other problem']);
  });

  it('goes on to the next listener when one throws', () => {
    const events = new ShutdownEvents();
    const heard: string[] = [];
    events.subscribe(() => {
      throw new Error('a broken subscriber');
    });
    events.subscribe((event) => heard.push(event.type));
    expect(() => events.emit(problem)).not.toThrow();
    expect(heard).toEqual(['problem']);
  });

  it('forgets a listener that has unsubscribed', () => {
    const events = new ShutdownEvents();
    const heard: string[] = [];
    const unsubscribeIt = events.subscribe((event) => heard.push(event.type));
    unsubscribeIt();
    events.emit(problem);
    expect(heard).toEqual([]);
  });

  it.each([
    ['nestjs-drain:lame-duck', phaseEvent('lame-duck')],
    ['nestjs-drain:draining', phaseEvent('draining')],
    ['nestjs-drain:releasing', phaseEvent('releasing')],
    ['nestjs-drain:closed', phaseEvent('closed')],
    ['nestjs-drain:deadline', { type: 'deadline', inFlight: 1 }],
    ['nestjs-drain:forced', { type: 'forced', by: 'a second signal, SIGINT', inFlight: 1 }],
    ['nestjs-drain:problem', problem],
    ['nestjs-drain:hook', { type: 'hook', hook: { name: 'h', phase: 'draining', ms: 1, outcome: 'fulfilled' } }],
    ['nestjs-drain:report', { type: 'report', report: {} as ShutdownReport }],
  ] as [string, ShutdownEvent][])('publishes on the channel %s', (name, event) => {
    const published: unknown[] = [];
    const listen = (message: unknown) => published.push(message);
    subscribe(name, listen);
    new ShutdownEvents().emit(event);
    unsubscribe(name, listen);
    expect(published).toEqual([event]);
  });
});

describe('A shutdown', () => {
  it('tells each transition with the phase before it, the reason, the time passed and what is in flight', async () => {
    const shutdown = new SequenceUnderTest({ lameDuck: { minMs: 50, maxMs: 50 } });
    const lease = shutdown.tracker.take('request', 'GET /');
    void shutdown.sequence.begin(closing);
    await shutdown.clock.advance(50);
    lease.release();
    await shutdown.end();
    const about = { type: 'phase', reason: 'app.close()' };
    expect(shutdown.seen.filter(({ type }) => type === 'phase')).toEqual([
      { ...about, phase: 'lame-duck', previous: 'running', elapsedMs: 0, inFlight: 1 },
      { ...about, phase: 'draining', previous: 'lame-duck', elapsedMs: 50, inFlight: 1 },
      { ...about, phase: 'releasing', previous: 'draining', elapsedMs: 50, inFlight: 0 },
      { ...about, phase: 'closed', previous: 'releasing', elapsedMs: 50, inFlight: 0 },
    ]);
  });

  it('tells its report last', async () => {
    const shutdown = new SequenceUnderTest();
    void shutdown.sequence.begin(closing);
    const report = await shutdown.end();
    expect(shutdown.seen.at(-1)).toEqual({ type: 'report', report });
  });
});
