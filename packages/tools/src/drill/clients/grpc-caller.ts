import { BadInputError } from '../errors.js';
import { type ApplicationPackages } from './application-packages.js';
import { type Fault } from './client.js';
import { type Caller, type Hearing, type MessageSpec } from './messages.js';

export interface GrpcCallerOptions {
  readonly proto: string;
  /** With its package: `orders.Orders`. */
  readonly service: string;
  /** As the proto file has it: `Create`. */
  readonly method: string;
}

interface CallError {
  readonly code?: number;
  readonly details?: string;
  readonly message: string;
}

interface Call {
  on(event: 'data', listener: (value: unknown) => void): Call;
  on(event: 'error', listener: (error: CallError) => void): Call;
  on(event: 'end', listener: () => void): Call;
  cancel(): void;
}

interface GrpcClient {
  [method: string]: (data: unknown, answered?: (error: CallError | null, value: unknown) => void) => Call;
}

interface ServiceConstructor {
  new (target: string, credentials: unknown, options: object): GrpcClient & { close(): void };
  readonly service: Readonly<Record<string, { readonly requestStream: boolean; readonly responseStream: boolean }>>;
}

interface Grpc {
  readonly credentials: { createInsecure(): unknown };
  readonly status: Readonly<Record<string, string | number>>;
  loadPackageDefinition(definition: unknown): object;
}

/**
 * Each caller has a connection of its own, and nothing is sent a second time behind the drill's back: it would not be
 * counted. So what grpc-js sends again by itself, unless it is told not to, is left to the drill: see `unseen`.
 */
const channel = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 100,
};

/** What grpc-js says of calls that never came to a handler, and which it may send again ("transparent retries"). */
const unseen = /^UNAVAILABLE: Stream refused by server$|^INTERNAL: Failed to start HTTP\/2 stream with error/;

/** Makes callers of one method, with the gRPC library of the application. */
export async function grpcCallers(
  packages: ApplicationPackages,
  { proto, service, method }: GrpcCallerOptions,
): Promise<(url: string) => Caller> {
  const what = '--transport grpc';
  const grpc = await packages.load<Grpc>('@grpc/grpc-js', what);
  const loader = await packages.load<{ load(file: string, options: object): Promise<unknown> }>(
    '@grpc/proto-loader',
    what,
  );
  const definition = await loader
    .load(proto, { keepCase: true, longs: String, enums: String, defaults: true })
    .catch((error: Error) => {
      throw new BadInputError(`${proto} cannot be read: ${error.message}.`, { cause: error });
    });
  const Service = service
    .split('.')
    .reduce<unknown>(
      (found, name) => (found as Record<string, unknown> | undefined)?.[name],
      grpc.loadPackageDefinition(definition),
    ) as ServiceConstructor | undefined;
  if (Service?.service === undefined)
    throw new BadInputError(`${proto} has no service '${service}': name it with its package.`);
  const called = Service.service[method];
  if (called === undefined || called.requestStream) {
    const methods = Object.keys(Service.service).filter((name) => !Service.service[name]!.requestStream);
    throw new BadInputError(
      `Expected a method of ${service} that takes one message (${methods.join(', ')}), got '${method}'.`,
    );
  }
  const codes = new Map(Object.entries(grpc.status).map(([name, code]) => [Number(code), name]));
  return (url) => {
    const client = new Service(new URL(url).host, grpc.credentials.createInsecure(), channel);
    return new GrpcCaller(client, method, called.responseStream, codes);
  };
}

class GrpcCaller implements Caller {
  constructor(
    private readonly client: GrpcClient & { close(): void },
    private readonly method: string,
    private readonly isStream: boolean,
    private readonly codes: ReadonlyMap<number, string>,
  ) {}

  async ready(): Promise<undefined> {
    // It connects with its first call.
  }

  send(_spec: MessageSpec, data: unknown, { value, end, fail }: Hearing): () => void {
    const failed = (error: CallError): void => fail(this.faultOf(error));
    if (this.isStream) {
      const call = this.client[this.method]!(data);
      call.on('data', value).on('error', failed).on('end', end);
      return () => call.cancel();
    }
    const call = this.client[this.method]!(data, (error, answer) => {
      if (error) return failed(error);
      value(answer);
      end();
    });
    return () => call.cancel();
  }

  close(): void {
    this.client.close();
  }

  faultOf(error: unknown): Fault {
    const { code = 2, details = '', message } = error as CallError;
    const detail = `${this.codes.get(code) ?? code}: ${details || message}`.slice(0, 200);
    if (unseen.test(detail)) return { kind: 'refused', detail, isUnseen: true };
    if (/ECONNREFUSED|No connection established/.test(detail)) return { kind: 'refused', detail };
    if (/ECONNRESET|EPIPE|Connection dropped|Call ended without/.test(detail)) return { kind: 'reset', detail };
    return { kind: 'error', detail };
  }
}
