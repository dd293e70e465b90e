import { beforeEach, describe, expect, it } from '@jest/globals';
import { areShutdownHooksEnabled, foreignListeners, isListenedFor } from '../../../src/nest/signals.js';
import { FakeProcess } from '../../support/fake-process.js';

const theirs = () => undefined;
let host: FakeProcess;
beforeEach(() => void (host = new FakeProcess()));

describe('areShutdownHooksEnabled', () => {
  it("tells whether Nest's own hooks are enabled, for this signal", () => {
    expect(areShutdownHooksEnabled('SIGTERM', host.host)).toBe(false);
    const disable = host.enableShutdownHooks('SIGTERM');
    expect(areShutdownHooksEnabled('SIGTERM', host.host)).toBe(true);
    expect(areShutdownHooksEnabled('SIGINT', host.host)).toBe(false);
    disable();
    expect(areShutdownHooksEnabled('SIGTERM', host.host)).toBe(false);
  });

  it("does not take a listener of somebody else's for them", () => {
    host.on('SIGTERM', theirs);
    host.on('SIGTERM', (signal: string) => {
      process.stdout.write(`${signal}: a listener that is about as long as the one that Nest adds, and closes it all`);
    });
    expect(areShutdownHooksEnabled('SIGTERM', host.host)).toBe(false);
    expect(isListenedFor('SIGTERM', host.host)).toBe(true);
  });
});

describe('foreignListeners', () => {
  it("names those that are not Nest's: by their name, or by how their text begins", () => {
    const sdk = { shutdown: () => Promise.resolve() };
    host.enableShutdownHooks('SIGTERM');
    host.on('SIGTERM', function stopTelemetry() {});
    host.on('SIGTERM', () => void sdk.shutdown().finally(() => process.exit(0)));
    const names = foreignListeners('SIGTERM', host.host);
    expect(names).toEqual(['stopTelemetry', expect.stringContaining('sdk.shutdown()')]);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(80);
    expect(foreignListeners('SIGINT', host.host)).toEqual([]);
  });

  it('does not name signal-exit, which ends the process only when nobody else listens', () => {
    const emitter = { count: 1 };
    host.on('SIGTERM', () => {
      if (host.listeners('SIGTERM').length === emitter.count) host.kill(host.pid, 'SIGTERM');
    });
    expect(foreignListeners('SIGTERM', host.host)).toEqual([]);
  });
});
