import { randomUUID } from 'node:crypto';
import { type Done, type OrdersClient } from './grpc-clients.js';

export type CallKind = 'unary' | 'serverStream' | 'clientStream' | 'bidi' | 'rawClientStream' | 'rawBidi';

/** What has become of the calls of a load. */
export interface Tally {
  /** By the name of the call. */
  readonly answered: Set<string>;
  readonly failed: string[];
}

/**
 * Calls every `everyMs`, one kind after the other, until it is ended; each call takes `ms`.
 *
 * @param end ends it, and resolves when every call has been answered, or has failed
 */
export function grpcLoad(
  client: OrdersClient,
  kinds: readonly CallKind[],
  everyMs: number,
  ms: number,
): Tally & { readonly end: () => Promise<void> } {
  const answered = new Set<string>();
  const failed: string[] = [];
  const calls: Promise<void>[] = [];
  const startedAt = performance.now();
  const callDue = () => {
    while (calls.length * everyMs <= performance.now() - startedAt) {
      const kind = kinds[calls.length % kinds.length]!;
      const id = `${kind}-${randomUUID()}`;
      calls.push(
        call(client, kind, id, ms).then(
          () => void answered.add(id),
          (error: unknown) =>
            void failed.push(`${kind} after ${Math.round(performance.now() - startedAt)}: ${String(error)}`),
        ),
      );
    }
  };
  const timer = setInterval(callDue, Math.max(2, everyMs / 2));
  const end = async () => {
    clearInterval(timer);
    await Promise.all(calls);
  };
  return { answered, failed, end };
}

/** One call of a kind. Resolves when it has been answered as it should be. */
export async function call(client: OrdersClient, kind: CallKind, id: string, ms: number): Promise<void> {
  const order = { id, ms };
  const answers = await {
    unary: () => one((answer) => client.create(order, answer)),
    serverStream: () => all(client.follow(order)),
    clientStream: () => one((answer) => client.collect(answer).end(order)),
    rawClientStream: () => one((answer) => client.rawCollect(answer).end(order)),
    bidi: () => all(client.chat().end(order)),
    rawBidi: () => all(client.rawChat().end(order)),
  }[kind]();
  const expected = kind === 'serverStream' ? 5 : 1;
  if (answers.length !== expected || answers.some((answer) => answer.id !== id)) {
    throw new Error(`Expected ${expected} answers to ${id}, got ${JSON.stringify(answers)}`);
  }
}

function one(run: (answer: (error: Error | null, done: Done) => void) => unknown): Promise<Done[]> {
  return new Promise((resolve, reject) => run((error, done) => (error ? reject(error) : resolve([done]))));
}

function all(stream: NodeJS.ReadableStream): Promise<Done[]> {
  return new Promise((resolve, reject) => {
    const answers: Done[] = [];
    stream.on('data', (done: Done) => answers.push(done));
    stream.on('error', reject);
    stream.on('end', () => resolve(answers));
  });
}
