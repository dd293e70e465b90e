import { Controller, Get, Inject } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { getToken, makeCounterProvider, makeHistogramProvider, PrometheusModule } from '@willsoto/nestjs-prometheus';
import { assemble, type MakeApplication } from '../application.js';

@Controller()
class CountedController {
  constructor(
    @Inject(getToken('orders_total')) private readonly orders: Counter,
    @Inject(getToken('order_size')) private readonly sizes: Histogram,
  ) {}

  @Get('counted')
  counted() {
    this.orders.inc({ colour: 'green' });
    this.sizes.observe(3);
    return 'counted';
  }
}

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [PrometheusModule.register({ path: '/metrics' })],
    controllers: [CountedController],
    providers: [
      makeCounterProvider({ name: 'orders_total', help: 'Orders', labelNames: ['colour'] }),
      makeHistogramProvider({ name: 'order_size', help: 'Sizes', buckets: [1, 5, 10] }),
    ],
  });
