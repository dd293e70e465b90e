import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Scope, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AllowDuringShutdown, ReadinessHealthIndicator } from '../../../src/index.js';
import { closeAll, connect, holdDraining, holdLameDuck, platforms } from '../../support/applications.js';
import { request } from '../../support/raw-client.js';
import { startOrders } from './orders.js';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;

@Controller('probes')
class ProbesController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly readiness: ReadinessHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.readiness.isReady('http')]);
  }

  @Get('live')
  @HealthCheck()
  @AllowDuringShutdown()
  live() {
    return this.health.check([]);
  }

  /** Beside the probe, and none itself. */
  @Post('ready')
  reset(): object {
    return { reset: true };
  }
}

const terminus = { imports: [TerminusModule.forRoot({ logger: false })], controllers: [ProbesController] };

describe.each(platforms)('Readiness on $framework over $protocol', (platform) => {
  afterEach(closeAll);

  it('is answered by the HealthCheckService of Terminus, before and during a shutdown', async () => {
    const orders = await startOrders(platform, terminus);
    const ready = () => request(`${orders.url}/probes/ready`);
    const up = { http: { status: 'up', phase: 'running' } };
    expect(await ready()).toMatchObject({ status: 200, body: { status: 'ok', info: up, error: {}, details: up } });
    const lameDuck = await holdLameDuck(orders);
    let down = { http: { status: 'down', phase: 'lame-duck' } };
    expect(await ready()).toMatchObject({ status: 503, body: { status: 'error', error: down, details: down } });
    const draining = holdDraining(orders);
    lameDuck.release();
    const closing = await draining;
    down = { http: { status: 'down', phase: 'draining' } };
    expect(await ready()).toMatchObject({ status: 503, body: { status: 'error', error: down, details: down } });
    expect(await request(`${orders.url}/probes/live`)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await closing.end()).toMatchObject({ refused: 0, afterUnready: { count: 0 } });
  });

  it('is learnt from one probe, and for that route alone', async () => {
    const orders = await startOrders(platform, terminus);
    await request(`${orders.url}/probes/ready`);
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/probes/ready`)).toMatchObject({ body: { status: 'error' } });
    expect(await request(`${orders.url}/probes/ready`, { method: 'POST' })).toMatchObject({
      status: 503,
      body: { message: 'The server is shutting down' },
    });
    expect(await closing.end()).toMatchObject({ refused: 1 });
  });

  it('is refused like any other when no probe has ever asked', async () => {
    const orders = await startOrders(platform, terminus);
    const closing = await holdDraining(orders);
    expect(await request(`${orders.url}/probes/ready`)).toMatchObject({
      status: 503,
      body: { message: 'The server is shutting down' },
    });
    expect(await closing.end()).toMatchObject({ refused: 1 });
  });

  it('is learnt in the lame duck too', async () => {
    const orders = await startOrders(platform, {
      ...terminus,
      drain: { lameDuck: { minMs: 0, quietMs: 0, maxMs: 0 } },
    });
    const lameDuck = await holdLameDuck(orders);
    await request(`${orders.url}/probes/ready`);
    const draining = holdDraining(orders);
    lameDuck.release();
    const closing = await draining;
    expect(await request(`${orders.url}/probes/ready`)).toMatchObject({ body: { status: 'error' } });
    await closing.end();
  });

  it('is learnt whichever way a controller comes by the indicator', async () => {
    const ask = async (readiness: ReadinessHealthIndicator) => {
      const result = await readiness.isReady('one');
      if (result.one.status === 'down') throw new ServiceUnavailableException({ mine: true });
      return result;
    };
    @Controller('by-property')
    class ByPropertyController {
      @Inject(ReadinessHealthIndicator) private readonly readiness!: ReadinessHealthIndicator;
      @Get()
      ready() {
        return ask(this.readiness);
      }
    }
    @Controller('by-token')
    class ByTokenController {
      constructor(@Inject(ReadinessHealthIndicator) private readonly readiness: object) {}
      @Get()
      ready() {
        return ask(this.readiness as ReadinessHealthIndicator);
      }
    }
    @Controller({ path: 'by-request', scope: Scope.REQUEST })
    class ByRequestController {
      constructor(private readonly readiness: ReadinessHealthIndicator) {}
      @Get()
      ready() {
        return ask(this.readiness);
      }
    }
    const orders = await startOrders(platform, {
      controllers: [ByPropertyController, ByTokenController, ByRequestController],
    });
    const paths = ['/by-property', '/by-token', '/by-request'];
    for (const path of paths) expect(await request(orders.url + path)).toMatchObject({ status: 200 });
    const closing = await holdDraining(orders);
    for (const path of paths) expect((await request(orders.url + path)).body).toMatchObject({ mine: true });
    await closing.end();
  });

  it('does not take liveness down with it: that is up through the whole drain, on old connections and new', async () => {
    const orders = await startOrders(platform, terminus);
    const held = request(`${orders.url}/orders/a`);
    await orders.gate('a').entered;
    const { client: old } = await connect(orders);
    old.write(get('/probes/live'));
    await old.answers(1);
    const closed = orders.app.close();
    old.write(get('/probes/live'));
    expect((await old.answers(2))[1]).toMatchObject({ status: 200 });
    const closing = await holdDraining(orders);
    for (let probe = 0; probe < 5; probe++) {
      expect(await request(`${orders.url}/probes/live`)).toMatchObject({ status: 200 });
    }
    orders.gate('a').release();
    expect(await held).toMatchObject({ status: 200, body: { isOpen: true } });
    await closing.end();
    await closed;
  });
});
