import 'reflect-metadata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { type ModulesContainer } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { type Server } from 'node:http';
import { AllowDuringShutdown } from '../../../src/in-flight/allow-during-shutdown.decorator.js';
import { StartupChecks } from '../../../src/nest/startup-checks.js';
import { type GracefulShutdownOptions } from '../../../src/options/options.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeProcess } from '../../support/fake-process.js';

let clock: FakeClock;
let host: FakeProcess;
let warnings: string[];
let server: EventEmitter & { listening: boolean; keepAliveTimeout: number };

beforeEach(() => {
  clock = new FakeClock();
  host = new FakeProcess();
  host.enableShutdownHooks('SIGTERM', 'SIGINT');
  warnings = [];
  server = Object.assign(new EventEmitter(), { listening: false, keepAliveTimeout: 5_000 });
});

interface Setup {
  readonly options?: GracefulShutdownOptions;
  readonly isUnderKubernetes?: boolean;
  readonly hasNobodyToTell?: boolean;
  readonly controllers?: readonly object[];
  readonly providers?: readonly [token: unknown, instance: unknown][];
  readonly swallower?: string;
}

function checksOf({ options, controllers = [], providers = [], swallower, ...rest }: Setup = {}) {
  const module = {
    controllers: new Map(controllers.map((metatype) => [metatype, { metatype }])),
    providers: new Map(providers.map(([token, instance]) => [token, { token, instance }])),
  };
  const modules = new Map([['module', module]]) as unknown as ModulesContainer;
  const core = { clock, options: resolveOptions(options), isUnderKubernetes: false, hasNobodyToTell: false, ...rest };
  const warn = (message: string) => void warnings.push(message);
  return new StartupChecks(core, modules, warn, host.host, () => swallower);
}

async function check(setup?: Setup): Promise<string[]> {
  checksOf(setup).watch(server as unknown as Server);
  server.emit('listening');
  await clock.advance(1_000);
  return warnings;
}

class HealthCheckService {}

describe('StartupChecks', () => {
  it('says nothing of an application that is set up well', async () => {
    expect(await check()).toEqual([]);
    clock.assertNoTimerLeft();
  });

  it('looks a second after the server has begun to listen, and never before', async () => {
    host.removeAllListeners('SIGTERM');
    checksOf().watch(server as unknown as Server);
    await clock.advance(60_000);
    server.emit('listening');
    await clock.advance(999);
    expect(warnings).toEqual([]);
    await clock.advance(1);
    expect(warnings).toEqual([expect.stringContaining('app.enableShutdownHooks()')]);
  });

  it('looks at a server that listens already', async () => {
    server.listening = true;
    host.removeAllListeners('SIGTERM');
    checksOf().watch(server as unknown as Server);
    await clock.advance(1_000);
    expect(warnings).toHaveLength(1);
  });

  it('looks once where there is no server, a second after the application has been made', async () => {
    host.removeAllListeners('SIGTERM');
    const checks = checksOf();
    checks.start();
    checks.start();
    await clock.advance(1_000);
    expect(warnings).toHaveLength(1);
  });

  it('is silent when the application closes before it looks', async () => {
    host.removeAllListeners('SIGTERM');
    const checks = checksOf();
    checks.watch(server as unknown as Server);
    server.emit('listening');
    checks.cancel();
    await clock.advance(60_000);
    expect(warnings).toEqual([]);
  });

  it("names a listener that waits for a signal beside Nest's, and says what to do instead", async () => {
    host.on('SIGTERM', function stopTelemetry() {});
    expect(await check()).toEqual([expect.stringMatching(/SIGTERM: stopTelemetry.*@OnShutdown\('releasing'\)/)]);
  });

  it('says nothing of a listener that stands alone: it closes the application itself', async () => {
    host.removeAllListeners();
    host.on('SIGTERM', function close() {});
    expect(await check()).toEqual([]);
  });

  it('warns of health checks that are not marked, whatever names their service', async () => {
    @Controller('health')
    class Unmarked {
      constructor(@Inject(HealthCheckService) readonly health: unknown) {}
      @Get()
      live() {}
    }
    @AllowDuringShutdown()
    @Controller('health')
    class Marked {
      @Inject(HealthCheckService) readonly health: unknown;
      @Get()
      live() {}
    }
    expect(await check({ controllers: [Unmarked, Marked] })).toEqual([expect.stringContaining('Unmarked uses')]);
  });

  it('warns of the wait of Terminus, and looks at no other provider', async () => {
    const looks = new Proxy({}, { get: () => void warnings.push('looked') });
    const providers: [unknown, unknown][] = [
      [Object.create(null), looks],
      ['other', looks],
      [HealthCheckService, looks],
      ['TERMINUS:MODULE_OPTIONS', { gracefulShutdownTimeoutMs: 3_000 }],
    ];
    expect(await check({ providers })).toEqual([expect.stringContaining('gracefulShutdownTimeoutMs (3000 ms)')]);
  });

  it('warns of a shell that swallows signals', async () => {
    expect(await check({ swallower: 'sh' })).toEqual([expect.stringContaining("PID 1 is 'sh'")]);
  });

  it('warns of a lame duck that is off under Kubernetes, and there alone', async () => {
    const options = { lameDuck: false } as const;
    expect(await check({ options })).toEqual([]);
    // There is no endpoint to be removed.
    expect(await check({ options, isUnderKubernetes: true, hasNobodyToTell: true })).toEqual([]);
    expect(await check({ options, isUnderKubernetes: true })).toEqual([expect.stringContaining('lameDuck is off')]);
  });

  it('warns once of a short keepAliveTimeout behind a proxy, which it sees by the headers of requests', async () => {
    await check();
    server.emit('request', { headers: {} });
    expect(warnings).toEqual([]);
    server.emit('request', { headers: { forwarded: 'for=10.1.2.3' } });
    server.emit('request', { headers: { 'x-forwarded-for': '10.1.2.3' } });
    expect(warnings).toEqual([expect.stringContaining('keepAliveTimeout is 5000 ms')]);
    expect(server.listenerCount('request')).toBe(0);
  });

  it('looks for a proxy at a hundred requests, and then no more', async () => {
    await check();
    for (let count = 0; count < 100; count++) server.emit('request', { headers: {} });
    expect(server.listenerCount('request')).toBe(0);
  });
});
