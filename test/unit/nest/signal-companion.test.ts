import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { companionOf, SignalCompanion, type SignalReceiver } from '../../../src/nest/signal-companion.js';
import { isListenedFor } from '../../../src/nest/signals.js';
import { FakeProcess } from '../../support/fake-process.js';

const signal = 'SIGUSR2';
const theirs = () => undefined;
let host: FakeProcess;
let received: string[];
let companion: SignalCompanion;
let written: string;

/** Where signal-exit 4 keeps how many of its copies listen. */
const signalExit = Symbol.for('signal-exit emitter');

class Receiver implements SignalReceiver {
  timesTakenOut = 0;
  isRunning = true;
  exitCode?: Promise<number | undefined>;
  words?: string;

  constructor(private readonly name: string) {}

  received(each: NodeJS.Signals, isSelfSent: boolean): void {
    received.push(`${this.name} ${each}${isSelfSent ? ' of its own' : ''}`);
  }

  ending(): Promise<number | undefined> | undefined {
    return this.exitCode;
  }

  takenOut(): void {
    this.timesTakenOut++;
  }

  lastWords(): string | undefined {
    return this.words;
  }
}

let ours: Receiver;
beforeEach(() => {
  host = new FakeProcess();
  received = [];
  written = '';
  ours = new Receiver('ours');
  companion = new SignalCompanion(host.host, (text) => (written += text));
});

afterEach(() => {
  companion.leave(ours);
  expect(host.listenerCount('newListener')).toBe(0);
  expect(host.listenerCount('removeListener')).toBe(0);
  expect(host.listenerCount('exit')).toBe(0);
});

describe('SignalCompanion', () => {
  it('does not listen where nobody else does: that would keep the signal from ending the process', () => {
    companion.join(ours);
    expect(host.listeners(signal)).toEqual([]);
  });

  it('listens where somebody does already', () => {
    host.on(signal, theirs);
    companion.join(ours);
    host.signal(signal);
    expect(received).toEqual([`ours ${signal}`]);
  });

  it('joins somebody who begins to listen later, and comes first', () => {
    companion.join(ours);
    host.on(signal, () => received.push('theirs'));
    host.signal(signal);
    expect(received).toEqual([`ours ${signal}`, 'theirs']);
  });

  it('hears a signal once, however many listen', () => {
    companion.join(ours);
    host.on(signal, theirs);
    host.on(signal, () => undefined);
    host.signal(signal);
    expect(received).toEqual([`ours ${signal}`]);
  });

  it('hears every signal, not the first alone', () => {
    host.on(signal, theirs);
    companion.join(ours);
    host.signal(signal);
    host.signal(signal);
    expect(received).toHaveLength(2);
  });

  it('leaves with the last that listened', () => {
    const other = () => undefined;
    companion.join(ours);
    host.on(signal, theirs);
    host.on(signal, other);
    host.off(signal, theirs);
    expect(host.listeners(signal)).toHaveLength(2);
    host.off(signal, other);
    expect(host.listeners(signal)).toEqual([]);
  });

  it('joins one that listens once, and leaves with it', () => {
    companion.join(ours);
    host.once(signal, () => received.push('theirs'));
    host.signal(signal);
    expect(received).toEqual([`ours ${signal}`, 'theirs']);
    expect(host.listeners(signal)).toEqual([]);
  });

  it('leaves nothing of its own on the process with its last application', () => {
    const { kill } = host;
    companion.join(ours);
    host.on(signal, theirs);
    companion.shutdownBegan(ours);
    companion.leave(ours);
    expect(host.listeners(signal)).toEqual([theirs]);
    expect(host.kill).toBe(kill);
    host.on(signal, () => undefined);
    expect(host.listeners(signal)).toHaveLength(2);
  });

  it.each(['warning', 'SIGWINCH', 'SIGCHLD', 'SIGCONT'])('does not join %s, which ends no process', (event) => {
    companion.join(ours);
    host.on(event, theirs);
    expect(host.listenerCount(event)).toBe(1);
  });

  it('does not join a copy of signal-exit, which would then no longer end the process', () => {
    companion.join(ours);
    Object.assign(host, { [signalExit]: { count: 1 } });
    host.on(signal, theirs);
    expect(host.listeners(signal)).toEqual([theirs]);
    expect(isListenedFor(signal, host.host)).toBe(false);
    host.on(signal, () => undefined);
    expect(host.listeners(signal)).toHaveLength(3);
    expect(isListenedFor(signal, host.host)).toBe(true);
  });

  it('does not take that of another copy of the package for somebody who listens', () => {
    const copy = new SignalCompanion(host.host);
    const other = new Receiver('other');
    host.on(signal, theirs);
    companion.join(ours);
    copy.join(other);
    expect(host.listeners(signal)).toHaveLength(3);
    host.off(signal, theirs);
    expect(host.listeners(signal)).toEqual([]);
    copy.leave(other);
  });

  it('is one for all applications of a process: it adds as many listeners for twelve as for one', () => {
    host.enableShutdownHooks('SIGTERM');
    const shared = companionOf(host.host);
    const receivers = Array.from({ length: 12 }, (_, index) => new Receiver(`${index}`));
    shared.join(receivers[0]!);
    const count = () => host.eventNames().reduce((sum, name) => sum + host.listenerCount(name), 0);
    const withOne = count();
    for (const each of receivers) {
      companionOf(host.host).join(each);
      companionOf(host.host).shutdownBegan(each);
    }
    // The one more is for the process' exit, in the middle of a shutdown.
    expect(count()).toBe(withOne + 1);
    host.signal('SIGTERM');
    expect(received).toEqual(receivers.map((_, index) => `${index} SIGTERM`));
    for (const each of receivers) shared.leave(each);
    expect(host.listenedFor).toEqual(['SIGTERM']);
  });

  it("knows the other applications' shutdowns that a signal has begun, and not the asker's own", () => {
    const other = new Receiver('other');
    const copy = new SignalCompanion(host.host);
    const foreign = new Receiver('of another copy');
    host.on(signal, theirs);
    host.on('SIGTERM', theirs);
    companion.join(ours);
    companion.join(other);
    copy.join(foreign);
    expect(companion.othersEnding(ours)).toEqual([]);
    ours.exitCode = Promise.resolve(2);
    other.exitCode = Promise.resolve(1);
    foreign.exitCode = Promise.resolve(3);
    const others = companion.othersEnding(ours);
    expect(others).toHaveLength(2);
    expect(others[0]).toBe(other.exitCode);
    expect(others[1]).toBe(foreign.exitCode);
    companion.leave(other);
    copy.leave(foreign);
    expect(companion.othersEnding(ours)).toEqual([]);
  });

  it('tells whether another application runs that nobody is closing', () => {
    const other = new Receiver('other');
    companion.join(ours);
    expect(companion.isAnotherRunning(ours)).toBe(false);
    companion.join(other);
    expect(companion.isAnotherRunning(ours)).toBe(true);
    other.isRunning = false;
    expect(companion.isAnotherRunning(ours)).toBe(false);
    companion.leave(other);
  });

  it.each([
    ['goes with its primary process again while another application runs', true, false],
    ['is left to end its work when it was the last that ran', false, true],
  ])('is told when an application has closed: a worker %s', (_, isRunning, exitedAfterDisconnect) => {
    const worker = { exitedAfterDisconnect: false };
    companion = new SignalCompanion(host.host, undefined, worker);
    const other = new Receiver('other');
    other.isRunning = isRunning;
    companion.join(ours);
    companion.join(other);
    ours.isRunning = false;
    companion.shutdownBegan(ours);
    companion.leave(ours);
    expect(worker).toEqual({ exitedAfterDisconnect });
    companion.leave(other);
  });

  it.each([
    ['by name', 'SIGINT'],
    ['by number', 2],
  ])('knows, in a shutdown, a signal that the process sends itself %s', (_name, own) => {
    host.on('SIGINT', theirs);
    companion.join(ours);
    companion.shutdownBegan(ours);
    host.kill(host.pid, own as string);
    host.kill(1, 'SIGINT');
    host.signal('SIGINT');
    host.signal('SIGINT');
    expect(received).toEqual(['ours SIGINT of its own', 'ours SIGINT']);
    expect(host.kills).toHaveLength(2);
  });

  it('writes the last words of those in the middle of a shutdown when the process exits', () => {
    const other = new Receiver('other');
    companion.join(ours);
    companion.join(other);
    companion.shutdownBegan(ours);
    ours.words = 'GET /held was in flight';
    other.words = 'never said';
    host.emit('exit', 0);
    expect(written).toBe('GET /held was in flight\n');
    companion.leave(other);
  });
});
