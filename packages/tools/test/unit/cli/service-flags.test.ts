import { describe, expect, it } from '@jest/globals';
import { lagsFor, messagesFrom, readinessFrom, type ServiceFlags } from '../../../src/cli/service-flags.js';

describe('The flags of a service', () => {
  it.each<[ServiceFlags, string]>([
    [{}, '/health/ready'],
    [{ ready: '/up' }, '/up'],
    [{ protocol: 'wss' }, 'https:/health/ready'],
    [{ protocol: 'https', ready: '/up' }, 'https:/up'],
    [{ protocol: 'h2c' }, 'h2c:/health/ready'],
    [{ protocol: 'h2', ready: '/up' }, 'h2:/up'],
    [{ ready: 'tcp' }, 'tcp:'],
    [{ ready: 'grpc' }, 'grpc:'],
    [{ ready: 'output:is up' }, 'output:is up'],
    [{ transport: 'tcp' }, 'tcp:'],
    [{ transport: 'grpc' }, 'tcp:'],
    [{ transport: 'nats' }, 'output:successfully started'],
    [{ redis: 'redis://127.0.0.1' }, 'output:successfully started'],
    [{ transport: 'nats', ready: '/up' }, '/up'],
  ])('%j: readiness is %s', (flags, expected) => {
    expect(readinessFrom(flags)).toBe(expected);
  });

  it.each(['up', 'output:', 'udp'])('refuses %s as readiness', (ready) => {
    expect(() => readinessFrom({ ready })).toThrow(/--ready takes a path that begins with/);
  });

  it('takes a queue with Redis for BullMQ', () => {
    const flags = { queue: 'mail', redis: 'redis://127.0.0.1:6379' };
    expect(messagesFrom(flags)).toMatchObject({ transport: 'bullmq', pattern: 'drill', queue: 'mail' });
  });

  it('gives no lag to what goes through a broker', () => {
    expect(lagsFor({ transport: 'nats', pattern: 'a' })).toEqual([0]);
    expect(lagsFor({ transport: 'tcp', pattern: 'a' })).toBeUndefined();
    expect(lagsFor({})).toBeUndefined();
  });
});
