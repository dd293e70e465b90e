import { type Socket } from 'node:net';
import { faultOf } from '../exchange.js';
import { type ApplicationPackages } from './application-packages.js';
import { type Fault } from './client.js';
import { type Caller, type Hearing, jsonOf, type MessageSpec } from './messages.js';

export type NestTransport = 'tcp' | 'nats' | 'rabbitmq' | 'mqtt' | 'redis';

export interface NestCallerOptions {
  readonly transport: NestTransport;
  /** As the handler has it; JSON for one that is an object. */
  readonly pattern: string;
  /** RabbitMQ: the queue of the service. */
  readonly queue?: string;
}

/** What is used of `@nestjs/microservices`. */
interface Microservices {
  readonly ClientProxyFactory: { create(options: { transport: number; options: object }): ClientProxy };
  readonly MqttRecordBuilder: new (data: unknown) => { setQoS(level: number): { build(): unknown } };
}

interface ClientProxy {
  connect(): Promise<unknown>;
  send(pattern: unknown, data: unknown): Answers;
  emit(pattern: unknown, data: unknown): Answers;
  close(): unknown;
  unwrap?(): unknown;
}

interface Answers {
  subscribe(observer: { next(value: unknown): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/** The numbers of Nest's `Transport`, what else has to be installed, and how a client is told where to go. */
const transports = {
  tcp: { number: 0, packages: [], options: ({ hostname, port }) => ({ host: hostname, port: Number(port) }) },
  redis: {
    number: 1,
    packages: ['ioredis'],
    options: ({ hostname, port, username, password }) => ({
      host: hostname,
      port: Number(port || 6379),
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    }),
  },
  nats: { number: 2, packages: ['@nats-io/transport-node', 'nats'], options: ({ href }) => ({ servers: [href] }) },
  mqtt: { number: 3, packages: ['mqtt'], options: ({ href }) => ({ url: href }) },
  rabbitmq: {
    number: 5,
    packages: ['amqplib'],
    // The queue is the service's: it is not the drill that says what it is like.
    options: ({ href }, queue) => ({ urls: [href], queue, noAssert: true }),
  },
} satisfies Record<
  NestTransport,
  { number: number; packages: readonly string[]; options: (url: URL, queue?: string) => object }
>;

/** Makes callers of a broker, or of a service with TCP, that send as the application's own clients do: with the `ClientProxy` that it has installed. */
export async function nestCallers(
  packages: ApplicationPackages,
  { transport, pattern, queue }: NestCallerOptions,
): Promise<(url: string) => Caller> {
  const { number, packages: needed, options } = transports[transport];
  const what = `--transport ${transport}`;
  const nest = await packages.load<Microservices>('@nestjs/microservices', what);
  // Without them Nest would end this process.
  if (needed.length > 0) packages.needs(needed, what);
  if (transport === 'rabbitmq') packages.needs(['amqp-connection-manager'], what);
  const { Logger } = await packages.load<{ Logger: { overrideLogger(logger: false): void } }>('@nestjs/common', what);
  // What fails is counted here, and standard output may be the result's.
  Logger.overrideLogger(false);
  const sentPattern = pattern.startsWith('{') ? jsonOf(pattern, '') : pattern;
  // QoS 0 promises nothing.
  const payloadOf = (data: unknown) =>
    transport === 'mqtt' ? new nest.MqttRecordBuilder(data).setQoS(1).build() : data;
  return (url) => {
    const client = nest.ClientProxyFactory.create({ transport: number, options: options(new URL(url), queue) });
    return new NestCaller(client, sentPattern, payloadOf, transport === 'tcp');
  };
}

/** How a server with nestjs-drain says over TCP, unasked, that it executes nothing that it has not answered by then. */
const closingNotice = 'nestjs-drain:closing';
/** The code of its answer to a call that came too late, and was not executed. */
const drainingCode = 'DRAINING';

class NestCaller implements Caller {
  private socket?: Socket;
  /** What is unanswered on the socket was not executed. */
  private isClosing = false;

  constructor(
    private readonly client: ClientProxy,
    private readonly pattern: unknown,
    private readonly payloadOf: (data: unknown) => unknown,
    private readonly isTcp: boolean,
  ) {}

  async ready(): Promise<number | undefined> {
    await this.client.connect();
    if (!this.isTcp) return undefined;
    try {
      const socket = this.client.unwrap?.() as Socket | undefined;
      if (socket && socket !== this.socket) this.watch(socket);
      return socket?.localPort;
    } catch {
      // It was closed as soon as it was connected: the message will find that out.
      return undefined;
    }
  }

  send({ isEvent }: MessageSpec, data: unknown, { value, end, fail }: Hearing): () => void {
    const answers = this.client[isEvent ? 'emit' : 'send'](this.pattern, this.payloadOf(data));
    const subscription = answers.subscribe({
      next: value,
      error: (error) => fail(this.faultOf(error)),
      complete: end,
    });
    return () => subscription.unsubscribe();
  }

  /** Nest's client passes what answers no call by in silence. */
  private watch(socket: Socket): void {
    this.socket = socket;
    this.isClosing = false;
    socket.on('message', ({ id }: { readonly id?: unknown }) => {
      if (id === closingNotice && socket === this.socket) this.isClosing = true;
    });
  }

  close(): void {
    // One that never came to be connected may have nothing to close.
    void Promise.resolve()
      .then(() => this.client.close())
      .catch(() => undefined);
  }

  faultOf(error: unknown): Fault {
    const { code, message } = (typeof error === 'object' && error ? error : {}) as NodeJS.ErrnoException;
    if (message === 'Connection closed') return { kind: 'reset', detail: message, isUnseen: this.isClosing };
    if (this.isTcp && code === drainingCode) return { kind: 'error', detail: code, isUnseen: true };
    const fault = code === undefined ? undefined : faultOf({ code, message: message ?? code } as NodeJS.ErrnoException);
    if (fault && fault.kind !== 'other') return fault;
    return {
      kind: 'error',
      detail: (message ?? (typeof error === 'string' ? error : JSON.stringify(error))).slice(0, 200),
    };
  }
}
