/**
 * The application that is rolled: `fork('orders.mjs', [settings as JSON])`. It is a microservice, or a hybrid
 * application, and writes what happens to its orders into a ledger, a line of JSON each: nothing of it is lost when the
 * process dies. It closes on SIGTERM, or when it is sent `close`.
 */
import 'reflect-metadata';
import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, GrpcMethod, GrpcStreamMethod, MessagePattern, Payload } from '@nestjs/microservices';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { from, mergeMap } from 'rxjs';
import { listenedPattern, serverOptions } from './transports.mjs';

const settings = JSON.parse(process.argv[2]);
const { transport, handlerMs, kind, drain, hooks } = settings;
const ledger = openSync(settings.ledger, 'a');

function mark(what, more) {
  writeSync(ledger, `${JSON.stringify({ at: Number(process.hrtime.bigint()) / 1e6, what, ...more })}\n`);
}
process.on('unhandledRejection', (error) => mark('unhandled rejection', { error: String(error?.message ?? error) }));
// By these marks the time in which the machine let it stand still can be told from that in which it waited.
setInterval(() => mark('awake'), 20).unref();

/** Resolves when the test says `word`. */
function told(word) {
  return new Promise((resolve) => process.on('message', (said) => said === word && resolve()));
}

/** Where the test holds it: what orders wait for that would end while draining. */
let held;

async function hold() {
  if (!held) return;
  await held;
  // What happened to a connection before that was said is read by the second turn.
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

let running = 0;
let whenBusy;

function begins(order) {
  mark('start', order);
  running++;
  whenBusy?.();
}

function ends(order) {
  mark('end', order);
  running--;
}

/** Stands for a pool of connections to a database. */
class Pool {
  isOpen = true;
  use(order) {
    if (this.isOpen) return;
    mark('after destroy', order);
    throw new Error('The pool is closed.');
  }
  onModuleDestroy() {
    mark('destroyed');
    this.isOpen = false;
  }
}

class OrdersController {
  constructor(pool) {
    this.pool = pool;
  }

  async create({ id }, context) {
    await this.work({ kind: 'rpc', id });
    await acknowledge(context);
    return { id };
  }

  async paid({ id }, context) {
    await this.work({ kind: 'event', id });
    await acknowledge(context);
  }

  watch({ id }, context) {
    return from(this.five({ kind: 'stream', id }, context));
  }

  /** Bidirectional: the client sends one order, and is answered with five values. */
  talk(orders) {
    return orders.pipe(mergeMap(({ id }) => this.five({ kind: 'bidi', id })));
  }

  async *five(order, context) {
    begins(order);
    for (let value = 1; value <= 5; value++) {
      this.pool.use(order);
      await sleep(handlerMs / 5);
      if (value === 5) await hold();
      this.pool.use(order);
      if (value === 5) {
        ends(order);
        await acknowledge(context);
      }
      yield { id: order.id };
    }
  }

  async work(order) {
    begins(order);
    this.pool.use(order);
    await sleep(handlerMs);
    await hold();
    this.pool.use(order);
    ends(order);
  }
}
Inject(Pool)(OrdersController, undefined, 0);
Controller()(OrdersController);

/** With `noAck: false` and `autoCommit: false` it is the handler that acknowledges its message. */
async function acknowledge(context) {
  if (transport === 'rmq' && settings.noAck === false) context.getChannelRef().ack(context.getMessage());
  if (settings.server?.run?.autoCommit !== false) return;
  const [topic, partition] = [context.getTopic(), context.getPartition()];
  const offset = String(BigInt(context.getMessage().offset) + 1n);
  await context.getConsumer().commitOffsets([{ topic, partition, offset }]);
}

if (transport === 'grpc') {
  decorate('create', GrpcMethod('Orders', 'Create'));
  decorate('watch', GrpcMethod('Orders', 'Watch'));
  decorate('talk', GrpcStreamMethod('Orders', 'Talk'));
} else {
  decorate('create', MessagePattern(listenedPattern(settings, 'create')), Payload(), Ctx());
  decorate('watch', MessagePattern(listenedPattern(settings, 'watch')), Payload(), Ctx());
  decorate('paid', EventPattern(listenedPattern(settings, 'paid')), Payload(), Ctx());
}

function decorate(method, decorator, ...parameters) {
  const { prototype } = OrdersController;
  parameters.forEach((parameter, index) => parameter(prototype, method, index));
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  decorator(prototype, method, descriptor);
  // That of a gRPC stream puts another function in its place.
  Object.defineProperty(prototype, method, descriptor);
}

const imports = [];
let token;
if (drain !== false) {
  const { GracefulShutdown, GracefulShutdownModule } = await import('nestjs-drain');
  imports.push(GracefulShutdownModule.forRoot(drain));
  token = GracefulShutdown;
}
class AppModule {}
Module({ imports, controllers: [OrdersController], providers: [Pool] })(AppModule);

const options = { logger: ['warn', 'error', 'fatal'] };
const app = await start();
if (token) {
  void app.get(token).closed.then((report) => mark('report', { report }));
  app.get(token).events.subscribe(({ type, phase }) => type === 'phase' && phase === 'draining' && drains());
}
// In the middle of an order: its client may just have been given no time to send one.
void told('close')
  .then(() => running > 0 || new Promise((resolve) => (whenBusy = resolve)))
  .then(close);
// It is not the test that keeps it alive.
process.channel.unref();
process.send('ready');

function drains() {
  if (settings.holds) held = told('go on');
  process.send('draining');
}

async function close() {
  await app.close().catch((error) => mark('unhandled rejection', { error: `app.close(): ${error.message}` }));
  process.exit();
}

async function start() {
  if (kind === 'microservice') {
    const microservice = await NestFactory.createMicroservice(AppModule, { ...serverOptions(settings), ...options });
    microservice.enableShutdownHooks([], hooks);
    await microservice.listen();
    return microservice;
  }
  const hybrid = await NestFactory.create(AppModule, options);
  hybrid.enableShutdownHooks([], hooks);
  hybrid.connectMicroservice(serverOptions(settings), { inheritAppConfig: settings.inheritAppConfig });
  await hybrid.startAllMicroservices();
  await hybrid.listen(0, '127.0.0.1');
  return hybrid;
}
