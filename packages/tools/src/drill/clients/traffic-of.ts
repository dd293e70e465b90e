import { BadInputError } from '../errors.js';
import { type RequestSpec } from '../exchange.js';
import { OpenLoopClients } from '../open-loop-clients.js';
import { ApplicationPackages } from './application-packages.js';
import { jobClient } from './bullmq.js';
import { type ClientOf } from './client.js';
import { EventStreams } from './event-streams.js';
import { grpcCallers } from './grpc-caller.js';
import { Http1Client, type HttpClientOptions } from './http1.js';
import { Http2Client } from './http2.js';
import { type Ledger } from './ledger.js';
import { jsonOf, messageClient } from './messages.js';
import { nestCallers } from './nest-caller.js';
import { type DrillMessages, isTls, messageSpecOf, type Protocol } from './protocols.js';
import { type Traffic, type TrafficEars } from './traffic.js';
import { webSocketClient } from './websocket.js';

/** What a traffic is made of. */
export interface TrafficOptions extends TrafficEars {
  readonly ratePerSecond: number;
  readonly connections?: number;
  readonly timeoutMs: number;
  readonly requests: readonly RequestSpec[];
  readonly protocol?: Protocol;
  readonly insecure?: boolean;
  readonly messages?: DrillMessages;
  readonly ledger?: Ledger;
  /** The folder of the application. */
  readonly cwd?: string;
  /** Called with the name of the replica that has executed a message. */
  readonly onExecuted?: (number: number, replica: string) => void;
}

/** Makes the traffic, once it is known where it goes: an http URL. */
export type TrafficTo = (url: string) => Traffic;

/** Rejects with a `BadInputError`, in a line, when what it needs of the application is not there. */
export async function trafficOf(options: TrafficOptions): Promise<TrafficTo> {
  const { messages, protocol = 'http', connections, ratePerSecond, onOutcome, onLateFault } = options;
  if (messages) return messageTraffic(options, messages);
  if (protocol === 'sse' || protocol === 'sse+https') {
    // As many subscribers as there would be connections.
    const streams = connections ?? Math.min(40, Math.max(2, Math.ceil(ratePerSecond / 2)));
    return (url) => new EventStreams({ ...httpOptions(options, protocol, url), streams, onOutcome });
  }
  return (url) => {
    const client = clientOf(httpOptions(options, protocol, url), protocol);
    return new OpenLoopClients({ client, ratePerSecond, connections, onOutcome, onLateFault });
  };
}

function clientOf(http: HttpClientOptions, protocol: Exclude<Protocol, 'sse' | 'sse+https'>): ClientOf {
  if (protocol === 'h2' || protocol === 'h2c') return () => new Http2Client(http);
  if (protocol === 'ws' || protocol === 'wss') return webSocketClient(http);
  return () => new Http1Client(http);
}

function httpOptions(
  { requests, timeoutMs, insecure }: TrafficOptions,
  protocol: Protocol,
  target: string,
): HttpClientOptions {
  const { host, protocol: own } = new URL(target);
  const isSecure = isTls(protocol) || own === 'https:';
  const schemes = protocol.startsWith('ws') ? ['ws', 'wss'] : ['http', 'https'];
  return { url: `${schemes[Number(isSecure)]}://${host}`, requests, timeoutMs, insecure };
}

async function messageTraffic(options: TrafficOptions, messages: DrillMessages): Promise<TrafficTo> {
  const { ratePerSecond, connections, onOutcome, onLateFault } = options;
  const clientTo = await messageClientOf(options, messages);
  const goesThroughBalancer = messages.transport === 'tcp' || messages.transport === 'grpc';
  // One connection to a broker is shared by everything that a process sends.
  const own = goesThroughBalancer ? { connections } : { connections: connections ?? 1, freshShare: 0 };
  return (url) => new OpenLoopClients({ client: clientTo(url), ratePerSecond, ...own, onOutcome, onLateFault });
}

async function messageClientOf(options: TrafficOptions, messages: DrillMessages): Promise<(url: string) => ClientOf> {
  const { timeoutMs, onExecuted, cwd } = options;
  const { transport, pattern, queue, proto, service, broker } = messages;
  const packages = new ApplicationPackages(cwd);
  const spec = messageSpecOf(messages);
  for (const text of [spec.data, spec.answer]) if (text !== undefined) jsonOf(text, '');
  const shared = { requests: [spec], ledger: options.ledger!, timeoutMs, onExecuted };
  if (transport === 'bullmq') {
    const jobs = { ...shared, queue: needed(queue, '--queue'), redis: needed(broker, '--redis') };
    const client = await jobClient(packages, jobs);
    return () => client;
  }
  if (transport === 'grpc') {
    const where = { proto: needed(proto, '--proto'), service: needed(service, '--service') };
    const callerTo = await grpcCallers(packages, { method: pattern, ...where });
    return (url) => messageClient({ ...shared, open: () => callerTo(url) });
  }
  const where = transport === 'tcp' ? undefined : needed(broker, '--broker');
  if (transport === 'rabbitmq') needed(queue, '--queue');
  const callerTo = await nestCallers(packages, { transport, pattern, queue });
  return (url) => messageClient({ ...shared, open: () => callerTo(where ?? url) });
}

function needed(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new BadInputError(`${option} is missing: what is drilled cannot be reached without it.`);
}
