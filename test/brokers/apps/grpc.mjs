/** A service of orders over gRPC, at `settings.port`. Each call takes as long as it says, and tells when it has ended. */
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, GrpcStreamCall, GrpcStreamMethod, Transport } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { concatMap, interval, map, reduce, take } from 'rxjs';
import {
  create,
  decorate,
  enableHooks,
  follow,
  injectable,
  moduleOf,
  settings,
  tell,
  tellWhenAwake,
  told,
} from '../../process/apps/kit.mjs';

const { protoPath } = createRequire(import.meta.url)('grpc-health-check');

class Database {
  isOpen = true;
  onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
  }
}
injectable(Database);

class OrdersController {
  constructor(database) {
    this.database = database;
  }

  async create({ id, ms }) {
    await sleep(ms);
    return this.done(id, 1);
  }
  follow({ id, ms }) {
    return interval(ms / 5).pipe(
      take(5),
      map((n) => (n === 4 ? this.done(id, n) : { id, n })),
    );
  }
  collect(orders) {
    return orders.pipe(
      reduce((all, order) => [...all, order], []),
      concatMap((all) => this.create(all[0])),
    );
  }
  chat(orders) {
    return orders.pipe(concatMap((order) => this.create(order)));
  }
  rawCollect(call, answer) {
    let first;
    call.on('data', (order) => (first ??= order));
    call.on('end', () => void this.create(first).then((done) => answer(null, done)));
  }
  rawChat(call) {
    let last = Promise.resolve();
    call.on('data', (order) => {
      last = last.then(() => this.create(order)).then((done) => call.write(done));
    });
    call.on('end', () => void last.then(() => call.end()));
  }
  endless({ id }) {
    return interval(50).pipe(map((n) => ({ id, n })));
  }

  done(id, n) {
    tell('ran', { id, at: Date.now(), isOpen: this.database.isOpen });
    return { id, n };
  }
}
Controller()(injectable(OrdersController, Database));
for (const method of ['create', 'follow', 'endless']) decorate(OrdersController, method, GrpcMethod('Orders'));
for (const method of ['collect', 'chat']) decorate(OrdersController, method, GrpcStreamMethod('Orders'));
for (const method of ['rawCollect', 'rawChat']) decorate(OrdersController, method, GrpcStreamCall('Orders'));

/** A health service that Nest serves itself. */
class HealthController {
  check() {
    return { status: 'SERVING' };
  }
  watch() {
    return interval(100).pipe(map(() => ({ status: 'SERVING' })));
  }
}
Controller()(HealthController);
for (const method of ['check', 'watch']) decorate(HealthController, method, GrpcMethod('Health'));

const isControllers = settings.health === 'controller';
const ordersProto = fileURLToPath(new URL('grpc-calls.proto', import.meta.url));
const grpc = {
  transport: Transport.GRPC,
  options: {
    url: `127.0.0.1:${settings.port}`,
    package: isControllers ? ['orders', 'grpc.health.v1'] : 'orders',
    protoPath: isControllers ? [ordersProto, protoPath] : ordersProto,
    loader: { enums: String, defaults: true },
    ...(settings.gracefulShutdown ? { gracefulShutdown: true } : {}),
    onLoadPackageDefinition: (_definition, server) => {
      if (settings.health === 'implementation') new HealthImplementation({ '': 'SERVING' }).addToServer(server);
    },
  },
};
const metadata = {
  controllers: isControllers ? [OrdersController, HealthController] : [OrdersController],
  providers: [Database],
};
process.on('unhandledRejection', (error) => tell('unhandled', { message: String(error) }));

tellWhenAwake();
const app = settings.hybrid ? await create(metadata) : await NestFactory.createMicroservice(moduleOf(metadata), grpc);
enableHooks(app);
follow(app);
void told('close').then(() => app.close());
if (settings.hybrid) {
  app.connectMicroservice(grpc);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
} else await app.listen();
tell('started', { port: settings.port });
