import { appendFileSync } from 'node:fs';
import { type ClientOf } from '../../../../src/drill/clients/client.js';
import { type Ledger, ledgerEnv } from '../../../../src/drill/clients/ledger.js';
import { messageClient, type MessageSpec } from '../../../../src/drill/clients/messages.js';
import { OpenLoopClients } from '../../../../src/drill/open-loop-clients.js';

/** One message at a stub, which decides what becomes of it. */
export interface Received {
  readonly id: string;
  /** Notes in the ledger that it was executed. */
  execute(): void;
  answer(value: unknown): void;
  /** One value of several: the answer is not over. */
  answerMore(value: unknown): void;
  fail(message: string, code?: string): void;
}

export type Handle = (received: Received) => void;
export type Fault = readonly [what: string, kind: string | undefined, handle: Handle];

export const count = 140;
export const timeoutMs = 4_000;

export const call: MessageSpec = {
  name: 'orders.create',
  data: '{"id":"{{id}}"}',
  answer: '{"done":"{{id}}"}',
  isEvent: false,
};
export const event: MessageSpec = { name: 'orders.paid', data: '{"id":"{{id}}"}', isEvent: true };

export const well: Handle = (received) => {
  received.execute();
  received.answer({ done: received.id });
};

/** What every transport of calls can do wrong. */
export const callFaults: readonly Fault[] = [
  ['well', undefined, well],
  ['late', undefined, (received) => void setTimeout(() => well(received), 150)],
  ['never', 'timed-out', (received) => received.execute()],
  [
    'twice, with two answers',
    'twice',
    (received) => {
      received.execute();
      received.answerMore({ done: received.id });
      received.answer({ done: received.id });
    },
  ],
  [
    'well, and executed twice',
    'twice',
    (received) => {
      received.execute();
      well(received);
    },
  ],
  ['well, and executed by nobody', 'lost', ({ id, answer }) => answer({ done: id })],
  ['with the answer to another', 'wrong-body', ({ execute, answer }) => (execute(), answer({ done: 'another' }))],
  ['with an error', 'error', ({ execute, fail }) => (execute(), fail('no stock'))],
];

export const eventFaults: readonly Fault[] = [
  ['executed', undefined, ({ execute }) => execute()],
  ['executed late', undefined, ({ execute }) => void setTimeout(execute, 300)],
  ['executed by nobody', 'lost', () => undefined],
  ['executed twice', 'twice', ({ execute }) => (execute(), execute())],
];

/** Every seventh message meets the fault, the others are handled as `otherwise` says. */
export function everySeventh(fault: Handle, otherwise: Handle): Handle {
  let received = 0;
  return (message) => (++received % 7 === 0 ? fault : otherwise)(message);
}

/** Writes into the ledger as a replica of this name does. */
export function executeIn(ledger: Ledger, id: string): void {
  appendFileSync(ledger.environmentOf('replica-1')[ledgerEnv]!, `${JSON.stringify({ id })}\n`);
}

export function clientOf(ledger: Ledger, spec: MessageSpec, open: Parameters<typeof messageClient>[0]['open']) {
  return messageClient({ requests: [spec], open, ledger, timeoutMs });
}

/** What comes of the messages of a client, by kind. */
export async function outcomesOf(client: ClientOf, options: { freshShare?: number; connections?: number } = {}) {
  const kinds = new Map<number, string>();
  let repeated = 0;
  const clients = new OpenLoopClients({
    client,
    count,
    ratePerSecond: 140,
    connections: 4,
    ...options,
    onOutcome: ({ number, fault, isRepeated }) => {
      if (isRepeated) repeated++;
      if (fault) kinds.set(number, fault.kind);
    },
    onLateFault: (number, fault) => kinds.set(number, fault.kind),
  });
  await clients.run();
  const byKind: Record<string, number> = {};
  for (const kind of kinds.values()) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return { counts: clients.counts(), byKind, repeated };
}

export function expected(kind: string | undefined) {
  const failed = kind === undefined ? 0 : count / 7;
  return {
    counts: { requests: count, failed, underWay: 0 },
    byKind: kind === undefined ? {} : { [kind]: failed },
    repeated: 0,
  };
}
