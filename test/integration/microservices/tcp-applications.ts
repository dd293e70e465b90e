import { Controller, type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientTCP,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  type TcpOptions,
  Transport,
} from '@nestjs/microservices';
import { type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { concatMap, interval, NEVER, type Observable, take } from 'rxjs';
import {
  AllowDuringShutdown,
  GracefulShutdown,
  GracefulShutdownModule,
  type GracefulShutdownOptions,
} from '../../../src/index.js';
import { moduleOf } from '../../support/applications.js';
import { Gate } from '../../support/gate.js';

/** What the handlers of an application have done, by the `id` that each message carries. */
export class Done {
  readonly begun: number[] = [];
  readonly ended: number[] = [];
  private readonly awaited = new Map<number, () => void>();
  private readonly gates = new Map<number, Gate>();

  /** Keeps the handler of this message from its end until the gate is released. */
  hold(id: number): Gate {
    const gate = new Gate();
    this.gates.set(id, gate);
    return gate;
  }

  /** Resolves when the test lets this message go on: at once, where it does not hold it. */
  async mayEnd(id: number): Promise<void> {
    await this.gates.get(id)?.pass();
  }

  /** Resolves when the handler of this message has begun. */
  async begins(id: number): Promise<void> {
    if (!this.begun.includes(id)) await new Promise<void>((resolve) => this.awaited.set(id, resolve));
  }

  begin(id: number): void {
    this.begun.push(id);
    this.awaited.get(id)?.();
  }

  async work(id: number, ms: number): Promise<number> {
    this.begin(id);
    await sleep(ms);
    await this.mayEnd(id);
    this.ended.push(id);
    return id;
  }
}

interface Message {
  readonly id: number;
  readonly ms?: number;
}

/** Each application gets a class of its own, for its decorators' sake. */
function controllerFor(done: Done): new () => object {
  @Controller()
  class OrdersController {
    @MessagePattern('order')
    order(@Payload() { id, ms = 0 }: Message): Promise<number> {
      return done.work(id, ms);
    }

    @MessagePattern('stream')
    stream(@Payload() { id, ms = 0 }: Message): Observable<number> {
      done.begin(id);
      return interval(ms / 5).pipe(
        take(5),
        concatMap(async (each) => {
          if (each === 4) await done.mayEnd(id);
          if (each === 4) done.ended.push(id);
          return each;
        }),
      );
    }

    @MessagePattern('endless')
    endless(@Payload() { id }: Message): Observable<number> {
      done.begin(id);
      return NEVER;
    }

    @EventPattern('ordered')
    async ordered(@Payload() { id, ms = 0 }: Message): Promise<void> {
      await done.work(id, ms);
    }

    @MessagePattern('ping')
    @AllowDuringShutdown()
    ping(): string {
      return 'pong';
    }
  }
  return OrdersController;
}

export interface TcpApplication {
  readonly app: INestMicroservice;
  readonly done: Done;
  readonly shutdown: GracefulShutdown;
  readonly port: number;
  readonly server: Server;
}

export async function startTcp(
  options: TcpOptions['options'] = {},
  drain: GracefulShutdownOptions | false = {},
): Promise<TcpApplication> {
  const done = new Done();
  const imports: DynamicModule[] = drain ? [GracefulShutdownModule.forRoot(drain)] : [];
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    moduleOf({ imports, controllers: [controllerFor(done)] }),
    { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0, ...options }, logger: false },
  );
  await app.listen();
  const server = app.unwrap<Server>();
  const { port } = server.address() as AddressInfo;
  return { app, done, shutdown: drain ? app.get(GracefulShutdown) : (undefined as never), port, server };
}

/** The connection of a client of Nest's, below its framing. */
export function socketOf(client: ClientTCP): Socket {
  return client.unwrap<Socket>();
}
