import { Controller, Get, HttpException } from '@nestjs/common';
import { assemble, type MakeApplication } from '../application.js';
import { spans } from '../telemetry.js';

@Controller()
class TracedController {
  @Get('traced')
  async traced() {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return 'traced';
  }

  @Get('failing')
  failing() {
    throw new HttpException('failed', 409);
  }

  /**
   * Every span that has ended, with its parent, without what a run has of its own. Those of this very request that end
   * when the call of the handler returns must have ended.
   */
  @Get('spans')
  async spans() {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const ended = spans.getFinishedSpans();
    const nameOf = (id?: string) => ended.find((span) => span.spanContext().spanId === id)?.name ?? null;
    return ended.map(({ name, kind, status, attributes, events, parentSpanContext, instrumentationScope }) => ({
      ...{ name, kind, status, scope: instrumentationScope.name, parent: nameOf(parentSpanContext?.spanId) },
      attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => !/port|host\.name/.test(key))),
      events: events.map((event) => event.name),
    }));
  }
}

export const make: MakeApplication = (variant) => assemble(variant, { controllers: [TracedController] });
