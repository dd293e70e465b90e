import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { listenForSignals } from '../../../src/serve/signals.js';
import { type Supervisor } from '../../../src/serve/supervisor.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

let clock: FakeClock;
let source: EventEmitter;
let done: string[];
let listening: { close(): void };
let places: number[];

beforeEach(() => {
  [clock, source, done, places] = [new FakeClock(), new EventEmitter(), [], [1, 2]];
  const supervisor = {
    phase: 'serving',
    get places() {
      return places;
    },
    reload: async () => done.push('reload'),
    scale: (workers: number) => done.push(`scale to ${workers}`),
    stop: async (signal: string) => {
      supervisor.phase = 'stopping';
      done.push(`stop by ${signal}`);
    },
    force: (why: string) => done.push(`force: ${why}`),
  };
  listening = listenForSignals(supervisor as unknown as Supervisor, clock, () => done.push('stopped'), source);
});
afterEach(() => {
  listening.close();
  expect(source.eventNames()).toEqual([]);
});

const send = (signal: NodeJS.Signals) => source.emit(signal, signal);

describe('Signals to a group', () => {
  it('reload it, and scale it', () => {
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const) send(signal);
    expect(done).toEqual(['reload', 'reload', 'scale to 3', 'scale to 1']);
  });

  it('leave it one worker at least', () => {
    places = [1];
    send('SIGTTOU');
    expect(done).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stop it (%s)', async (signal) => {
    send(signal);
    await settle();
    expect(done).toEqual([`stop by ${signal}`, 'stopped']);
  });

  it('force it at a second Ctrl-C, and not at the same one that npm hands on', async () => {
    send('SIGINT');
    await clock.advance(499);
    send('SIGINT');
    expect(done).not.toContain('force: a second SIGINT');
    await clock.advance(1);
    send('SIGINT');
    expect(done).toContain('force: a second SIGINT');
  });

  it('force it at a Ctrl-C after SIGTERM', () => {
    send('SIGTERM');
    send('SIGINT');
    expect(done).toContain('force: a second SIGINT');
  });
});
