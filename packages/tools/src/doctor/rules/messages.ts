import { type ObjectName } from '../finding.js';
import { type Microservice } from '../read/program.js';
import { type Remark, type Rule } from '../rule.js';
import { type Scene } from '../scene.js';

export const natsQueue: Rule = {
  id: 'nats-queue',
  severity: 'doubt',
  title: 'a microservice over NATS without a queue group',
  *remarks(scene): Iterable<Remark> {
    for (const { on, service } of over(scene, 'NATS')) {
      if (service.option('queue')) continue;
      yield {
        at: service.at,
        on,
        what:
          'Without a queue group every replica executes every message, twice while one replaces another; and a single ' +
          'replica leaves a gap in which messages go to nobody.',
        fix: "Add queue: 'workers' to its options.",
      };
    }
  },
};

export const natsGracefulShutdown: Rule = {
  id: 'nats-graceful-shutdown',
  severity: 'doubt',
  title: 'gracefulShutdown of NATS, which the module does in its place',
  *remarks(scene): Iterable<Remark> {
    for (const { on, service } of over(scene, 'NATS')) {
      const option = service.option('gracefulShutdown');
      if (!option || option.text === 'false') continue;
      yield {
        at: option.at,
        on,
        what: 'Subscriptions are drained by the module; the grace of gracefulShutdown is not waited for.',
        fix: 'Remove gracefulShutdown and gracePeriod.',
      };
    }
  },
};

/** Nest's own default is `noAck: true`. */
export const rmqAck: Rule = {
  id: 'rmq-ack',
  severity: 'doubt',
  title: 'a microservice over RabbitMQ that acknowledges before it executes (noAck: true)',
  *remarks(scene): Iterable<Remark> {
    for (const { on, service } of over(scene, 'RMQ')) {
      const option = service.option('noAck');
      if (option && option.text !== 'true') continue;
      yield {
        at: option?.at ?? service.at,
        on,
        what:
          `noAck is true${option ? '' : ', the default of Nest'}: what was delivered is in no queue any more, and is lost ` +
          'where it is not executed by the drain deadline, or in a crash.',
        fix: 'Set noAck: false with a prefetchCount, such as prefetchCount: 10, and acknowledge in the handlers.',
      };
    }
  },
};

export const rmqPrefetch: Rule = {
  id: 'rmq-prefetch',
  severity: 'doubt',
  title: 'a microservice over RabbitMQ that takes all that is in the queue (prefetchCount: 0)',
  *remarks(scene): Iterable<Remark> {
    for (const { on, service } of over(scene, 'RMQ')) {
      const option = service.option('prefetchCount');
      if (service.option('noAck')?.text !== 'false' || (option && option.text !== '0')) continue;
      yield {
        at: option?.at ?? service.at,
        on,
        what:
          `prefetchCount is 0${option ? '' : ', the default of Nest'}: all that is in the queue is delivered to one ` +
          'replica, which has to hand it back, or to execute it, as it drains.',
        fix: 'Set prefetchCount: 10, or what a replica deals with within drainTimeoutMs.',
      };
    }
  },
};

export const workerUnregistered: Rule = {
  id: 'worker-unregistered',
  severity: 'doubt',
  title: 'a worker of BullMQ or pg-boss that the module cannot find',
  *remarks({ programs }): Iterable<Remark> {
    for (const { file, workers } of programs) {
      for (const { name, register, at } of workers) {
        yield {
          at,
          on: { kind: 'Program of Nest', name: file },
          what: `A ${name} that is made by hand is no provider: unless it is one after all, nobody drains it.`,
          fix: `Register it: shutdown.register(${register}(...)), with GracefulShutdown injected.`,
        };
      }
    }
  },
};

export const messageRules: readonly Rule[] = [natsQueue, natsGracefulShutdown, rmqAck, rmqPrefetch, workerUnregistered];

function over({ programs }: Scene, transport: string): readonly { on: ObjectName; service: Microservice }[] {
  return programs.flatMap(({ file, microservices }) =>
    microservices
      .filter((each) => each.transport === transport)
      .map((service) => ({ on: { kind: 'Program of Nest', name: file }, service })),
  );
}
