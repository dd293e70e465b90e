import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { areShutdownHooksEnabled, SignalCompanion } from '../../../src/nest/signals.js';

// No signal is sent: what listens is called as Node would call it.
const signal = 'SIGUSR2';
const theirs = () => undefined;
let received: string[];
let companion: SignalCompanion;
let ending: Promise<number | undefined> | undefined;

/** Where signal-exit 4 keeps how many of its copies listen. */
const signalExit = Symbol.for('signal-exit emitter');
const holder = process as { [signalExit]?: { count: number } };

function companionNamed(name: string): SignalCompanion {
  return new SignalCompanion({ received: (each) => received.push(`${name} ${each}`), ending: () => ending });
}

beforeEach(() => {
  received = [];
  ending = undefined;
  companion = companionNamed('ours');
});

afterEach(() => {
  companion.stop();
  process.removeAllListeners(signal);
  delete holder[signalExit];
  expect(process.listenerCount('newListener')).toBe(0);
  expect(process.listenerCount('removeListener')).toBe(0);
});

const emit = () => process.emit(signal, signal);

describe('SignalCompanion', () => {
  it('does not listen where nobody else does: that would keep the signal from ending the process', () => {
    companion.start();
    expect(process.listeners(signal)).toEqual([]);
  });

  it('listens where somebody does already', () => {
    process.on(signal, theirs);
    companion.start();
    emit();
    expect(received).toEqual([`ours ${signal}`]);
  });

  it('joins somebody who begins to listen later, and comes first', () => {
    companion.start();
    process.on(signal, () => received.push('theirs'));
    emit();
    expect(received).toEqual([`ours ${signal}`, 'theirs']);
  });

  it('hears a signal once, however many listen', () => {
    companion.start();
    process.on(signal, theirs);
    process.on(signal, () => undefined);
    emit();
    expect(received).toEqual([`ours ${signal}`]);
  });

  it('hears every signal, not the first alone', () => {
    process.on(signal, theirs);
    companion.start();
    emit();
    emit();
    expect(received).toHaveLength(2);
  });

  it('leaves with the last that listened', () => {
    const other = () => undefined;
    companion.start();
    process.on(signal, theirs);
    process.on(signal, other);
    process.off(signal, theirs);
    expect(process.listeners(signal)).toHaveLength(2);
    process.off(signal, other);
    expect(process.listeners(signal)).toEqual([]);
  });

  it('joins one that listens once, and leaves with it', () => {
    companion.start();
    process.once(signal, () => received.push('theirs'));
    emit();
    expect(received).toEqual([`ours ${signal}`, 'theirs']);
    expect(process.listeners(signal)).toEqual([]);
  });

  it('leaves nothing of its own on the process when it stops', () => {
    companion.start();
    process.on(signal, theirs);
    companion.stop();
    expect(process.listeners(signal)).toEqual([theirs]);
    process.on(signal, () => undefined);
    expect(process.listeners(signal)).toHaveLength(2);
  });

  it.each(['warning', 'SIGWINCH', 'SIGCHLD', 'SIGCONT'])('does not join %s, which ends no process', (event) => {
    companion.start();
    const before = process.listenerCount(event);
    process.on(event, theirs);
    expect(process.listenerCount(event)).toBe(before + 1);
    process.off(event, theirs);
  });

  it('does not join a copy of signal-exit, which would then no longer end the process', () => {
    companion.start();
    holder[signalExit] = { count: 1 };
    process.on(signal, theirs);
    expect(process.listeners(signal)).toEqual([theirs]);
    expect(areShutdownHooksEnabled(signal)).toBe(false);
    process.on(signal, () => undefined);
    expect(process.listeners(signal)).toHaveLength(3);
    expect(areShutdownHooksEnabled(signal)).toBe(true);
  });

  it('does not take the companion of another application for somebody who listens', () => {
    const other = companionNamed('other');
    process.on(signal, theirs);
    companion.start();
    other.start();
    expect(process.listeners(signal)).toHaveLength(3);
    process.off(signal, theirs);
    expect(process.listeners(signal)).toEqual([]);
    other.stop();
  });

  it("knows the other applications' shutdowns that a signal has begun, each once, and not its own", () => {
    const other = companionNamed('other');
    process.on(signal, theirs);
    process.on('SIGTERM', theirs);
    companion.start();
    other.start();
    expect(companion.othersEnding()).toEqual([]);
    ending = Promise.resolve(1);
    const others = companion.othersEnding();
    expect(others).toHaveLength(1);
    expect(others[0]).toBe(ending);
    other.stop();
    expect(companion.othersEnding()).toEqual([]);
    process.off('SIGTERM', theirs);
  });
});

describe('areShutdownHooksEnabled', () => {
  it('tells whether somebody but our companions listens', () => {
    expect(areShutdownHooksEnabled(signal)).toBe(false);
    process.on(signal, theirs);
    companion.start();
    expect(areShutdownHooksEnabled(signal)).toBe(true);
    process.off(signal, theirs);
    expect(areShutdownHooksEnabled(signal)).toBe(false);
  });
});
