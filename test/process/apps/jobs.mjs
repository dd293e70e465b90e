/**
 * An application whose work comes from schedulers, and from the events and commands that they send. Every piece of work
 * takes `settings.workMs`, and tells when it begins and ends, and whether the database was open then.
 */
import { Inject, Injectable, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandHandler, CqrsModule, EventBus, EventsHandler, ofType, Saga } from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { GracefulShutdown } from 'nestjs-drain';
import { setTimeout as sleep } from 'node:timers/promises';
import { map } from 'rxjs';
import { decorate, enableHooks, follow, injectable, moduleOf, settings, tell, told } from './kit.mjs';

const { sources, workMs = 300 } = settings;

class Database {
  isOpen = true;
  onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
  }
}
Injectable()(Database);

class OrderPlaced {
  constructor(n) {
    this.n = n;
  }
}
class ShipOrder {
  constructor(n) {
    this.n = n;
  }
}

let runs = 0;
class Work {
  constructor(database) {
    this.database = database;
  }
  async run(kind, ms = workMs) {
    const n = ++runs;
    const { isOpen } = this.database;
    tell('begun', { kind, n, isOpen, at: Date.now() });
    await sleep(ms);
    tell('ended', { kind, n, isOpen: this.database.isOpen });
  }
}
injectable(Work, Database);

class Schedules {
  constructor(work, registry) {
    Object.assign(this, { work, registry });
  }
  onModuleInit() {
    const interval = setInterval(() => this.work.run('added interval'), 50);
    this.registry.addInterval('added-interval', interval);
    const job = CronJob.from({ cronTime: '* * * * * *', onTick: () => this.work.run('added cron') });
    this.registry.addCronJob('added-cron', job);
    job.start();
  }
  async cron() {
    await this.work.run('cron', 1_200);
    // As one does that must not overlap.
    this.registry.getCronJob('added-cron').start();
  }
  interval() {
    return this.work.run('interval');
  }
  timeout() {
    return this.work.run('timeout', 1_500);
  }
}
injectable(Schedules, Work, SchedulerRegistry);
decorate(Schedules, 'cron', Cron('* * * * * *'));
decorate(Schedules, 'interval', Interval(50));
decorate(Schedules, 'timeout', Timeout(500));

/** Sends events for as long as its scheduler runs. */
class Sender {
  constructor(emitter, bus) {
    Object.assign(this, { emitter, bus });
  }
  send() {
    if (sources.includes('events')) this.emitter.emit('order.placed', {});
    if (sources.includes('cqrs')) this.bus.publish(new OrderPlaced(1));
  }
}
injectable(Sender, EventEmitter2, EventBus);
decorate(Sender, 'send', Interval(50));

class Listeners {
  constructor(work, emitter) {
    Object.assign(this, { work, emitter });
  }
  async placed() {
    await this.work.run('listener');
    // What work in flight sends is handled, too.
    this.emitter.emit('order.followed', {});
  }
  later() {
    return this.work.run('async listener');
  }
  followed() {
    return this.work.run('second listener');
  }
}
injectable(Listeners, Work, EventEmitter2);
decorate(Listeners, 'placed', OnEvent('order.placed'));
decorate(Listeners, 'later', OnEvent('order.placed', { async: true }));
decorate(Listeners, 'followed', OnEvent('order.followed', { async: true }));

class PlacedHandler {
  constructor(work) {
    this.work = work;
  }
  handle() {
    return this.work.run('event handler');
  }
}
injectable(PlacedHandler, Work);
EventsHandler(OrderPlaced)(PlacedHandler);

class ScopedHandler {
  constructor(work) {
    this.work = work;
  }
  handle() {
    return this.work.run('scoped event handler');
  }
}
Injectable({ scope: Scope.REQUEST })(ScopedHandler);
Inject(Work)(ScopedHandler, undefined, 0);
EventsHandler(OrderPlaced)(ScopedHandler);

class Sagas {
  shipping = (events$) =>
    events$.pipe(
      ofType(OrderPlaced),
      map(({ n }) => new ShipOrder(n)),
    );
}
Injectable()(Sagas);
Saga()(Sagas.prototype, 'shipping');

class ShipHandler {
  constructor(work) {
    this.work = work;
  }
  execute() {
    return this.work.run('command');
  }
}
injectable(ShipHandler, Work);
CommandHandler(ShipOrder)(ShipHandler);

const providersOf = {
  schedule: [Schedules],
  events: [Sender, Listeners],
  cqrs: [Sender, PlacedHandler, ScopedHandler, Sagas, ShipHandler],
};
const app = await NestFactory.createApplicationContext(
  moduleOf({
    imports: sources.length > 0 ? [ScheduleModule.forRoot(), EventEmitterModule.forRoot(), CqrsModule.forRoot()] : [],
    providers: [Database, Work, ...new Set(sources.flatMap((source) => providersOf[source]))],
  }),
);
enableHooks(app);
follow(app);
if (settings.drain !== false) {
  const shutdown = app.get(GracefulShutdown);
  shutdown.events.subscribe(({ phase }) => phase === 'draining' && tell('draining', { at: Date.now() }));
}
void told('close').then(() => app.close());
tell('started');
// Armed after that of the startup checks, and due no earlier: it fires after it.
if (settings.tellsWhenChecked) setTimeout(() => tell('checked'), 1_000);
