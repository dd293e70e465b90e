/**
 * Takes jobs from a queue of BullMQ, in the way that `settings.mode` says, and writes down when one begins and ends in
 * `settings.ledger`. Each job sends another one as its last step.
 */
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Worker } from 'bullmq';
import { drainableWorker, GracefulShutdown } from 'nestjs-drain';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  create,
  enableHooks,
  follow,
  injectable,
  listen,
  moduleOf,
  settings,
  tell,
  tellWhenAwake,
  told,
} from '../../process/apps/kit.mjs';
import { NestFactory } from '@nestjs/core';
import { runJob } from './run-job.mjs';

const { queue, mode, port, workerOptions = {} } = settings;
const connection = { host: '127.0.0.1', port };
const sandbox = fileURLToPath(new URL('sandboxed-job.cjs', import.meta.url));

class Database {
  isOpen = true;
  /** A pool takes its time to close. */
  async onModuleDestroy() {
    tell('destroyed', { at: Date.now() });
    this.isOpen = false;
    await (settings.closesWhenTold ? told('go on') : sleep(settings.closeMs ?? 0));
  }
}
Injectable()(Database);

class OrdersProcessor extends WorkerHost {
  constructor(database, mails) {
    super();
    this.database = database;
    this.mails = mails;
  }
  async process(job) {
    if (!this.database.isOpen) throw new Error('database closed before');
    await runJob(job, settings);
    if (!this.database.isOpen) throw new Error('database closed meanwhile');
    await this.mails.add('mail', job.data, { removeOnComplete: false });
  }
}
injectable(OrdersProcessor, Database, getQueueToken(`${queue}-mails`));
Processor(queue, { concurrency: 5, drainDelay: 1, ...workerOptions })(OrdersProcessor);

const processors = {
  processors: [{ path: sandbox, concurrency: 5, drainDelay: 1, ...workerOptions }],
  callbacks: [{ callback: (job) => runJob(job, settings), concurrency: 5, drainDelay: 1, ...workerOptions }],
};

/** A worker that Nest does not know of, with its processor in a file. */
class OwnWorker {
  constructor(shutdown) {
    this.worker = new Worker(queue, sandbox, { connection, concurrency: 5, drainDelay: 1, ...workerOptions });
    this.worker.on('error', (error) => tell('worker error', { message: error.message }));
    shutdown?.register(drainableWorker(this.worker));
  }
}
injectable(OwnWorker, ...(settings.drain === false ? [] : [GracefulShutdown]));

const providers = { processor: [OrdersProcessor], own: [OwnWorker] };
const metadata = {
  imports: [
    BullModule.forRoot({ connection, ...(settings.late ? { extraOptions: { manualRegistration: true } } : {}) }),
    BullModule.registerQueue({ name: queue, processors: processors[mode] }, { name: `${queue}-mails` }),
  ],
  providers: [Database, ...(providers[mode] ?? [])],
};
if (settings.drain !== false) process.on('unhandledRejection', (error) => tell('unhandled', { error: String(error) }));
tellWhenAwake();
// Without HTTP a worker needs no adapter.
const app = settings.http ? await create(metadata) : await NestFactory.createApplicationContext(moduleOf(metadata));
if (settings.late) {
  const { BullRegistrar } = await import('@nestjs/bullmq');
  app.get(BullRegistrar, { strict: false }).register();
}
enableHooks(app);
follow(app);
if (settings.drain !== false) {
  app
    .get(GracefulShutdown)
    .events.subscribe((event) => event.phase === 'draining' && tell('draining', { at: Date.now() }));
}
void told('close').then(() => app.close());
if (settings.http) await listen(app);
else tell('started');
const worker = { processor: () => app.get(OrdersProcessor).worker, own: () => app.get(OwnWorker).worker }[mode]?.();
// By the next turn it waits for another.
worker?.on('completed', () => setImmediate(() => tell('completed')));
