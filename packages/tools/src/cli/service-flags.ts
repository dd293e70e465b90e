import { Option } from 'commander';
import {
  type DrillMessages,
  isTls,
  messageTransports,
  type MessageTransport,
  type Protocol,
  protocols,
} from '../drill/clients/protocols.js';
import { BadInputError } from '../drill/errors.js';

/** What is spoken, as commander hands it over. */
export interface ServiceFlags {
  readonly ready?: string;
  readonly protocol?: Protocol;
  readonly insecure?: boolean;
  readonly transport?: MessageTransport;
  readonly pattern?: string;
  readonly data?: string;
  readonly answer?: string;
  readonly values?: string;
  readonly event?: boolean;
  readonly broker?: string;
  readonly queue?: string;
  readonly redis?: string;
  readonly proto?: string;
  readonly service?: string;
  readonly ledger?: string;
}

/** What Nest prints when a microservice, an application or a worker is up. */
const startedOutput = 'output:successfully started';

export function protocolOption(): Option {
  return new Option('--protocol <name>', 'what the service speaks, as URLs have it; see Protocols').choices(protocols);
}

export function transportOption(): Option {
  return new Option('--transport <name>', 'sends messages instead of requests; see Messages').choices(
    messageTransports,
  );
}

/** Messages instead of requests, if that was asked for. */
export function messagesFrom(flags: ServiceFlags): DrillMessages | undefined {
  const transport = flags.transport ?? (flags.redis === undefined ? undefined : 'bullmq');
  const { pattern = transport === 'bullmq' ? 'drill' : undefined, data, answer, event, queue, proto, service } = flags;
  if (transport === undefined) {
    const alone = (['pattern', 'data', 'answer', 'event', 'broker', 'queue', 'proto'] as const).find(
      (each) => flags[each],
    );
    if (alone === undefined) return undefined;
    throw new BadInputError(`--${alone} belongs to messages: say how they travel with --transport.`);
  }
  if (pattern === undefined) {
    throw new BadInputError(
      '--pattern is missing: what does the handler listen for? Give it as --pattern orders.create.',
    );
  }
  const isEvent = event === true;
  if (isEvent && (transport === 'grpc' || transport === 'bullmq')) {
    throw new BadInputError(`--event is nothing that ${transport} has: leave it out.`);
  }
  const broker = flags.redis ?? flags.broker;
  if (broker !== undefined && !URL.canParse(broker)) {
    throw new BadInputError(`Expected a URL of the broker, as nats://127.0.0.1:4222, got '${broker}'.`);
  }
  const ledger = flags.ledger;
  return {
    transport,
    pattern,
    data,
    answer,
    isEvent,
    broker,
    queue,
    proto,
    service,
    ledger,
    values: valuesFrom(flags),
  };
}

/** Where readiness is asked: as `probe()` takes it. */
export function readinessFrom({ ready, protocol = 'http', ...flags }: ServiceFlags): string {
  const transport = flags.transport ?? (flags.redis === undefined ? undefined : 'bullmq');
  if (ready === undefined && transport !== undefined) {
    return transport === 'tcp' || transport === 'grpc' ? 'tcp:' : startedOutput;
  }
  const asked = ready ?? '/health/ready';
  if (asked === 'tcp' || asked === 'grpc') return `${asked}:`;
  if (asked.startsWith('output:') && asked !== 'output:') return asked;
  if (!asked.startsWith('/')) {
    throw new BadInputError(`--ready takes a path that begins with '/', tcp, grpc or output:TEXT, got '${asked}'.`);
  }
  if (protocol === 'h2' || protocol === 'h2c') return `${protocol}:${asked}`;
  return isTls(protocol) ? `https:${asked}` : asked;
}

/** A broker has no lag: nobody routes connections to a consumer. */
export function lagsFor(flags: ServiceFlags): readonly number[] | undefined {
  const messages = messagesFrom(flags);
  return messages === undefined || messages.transport === 'tcp' || messages.transport === 'grpc' ? undefined : [0];
}

function valuesFrom({ values }: ServiceFlags): number | undefined {
  if (values === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(values)) return Number(values);
  throw new BadInputError(`--values takes a whole number from 1 on, got '${values}'.`);
}
