import { isDeepStrictEqual } from 'node:util';
import { BadInputError } from '../errors.js';
import { type Client, type ClientEars, type ClientOf, type Connection, type Fault, type Sending } from './client.js';
import { outcomeWithin } from './outcome-within.js';
import { type Execution, type Ledger, ledgerEnv } from './ledger.js';
import { UniqueIds, withId } from './unique.js';

/** One kind of message, and the answer that is right for it. */
export interface MessageSpec {
  /** What failures are reported under. */
  readonly name: string;
  readonly weight?: number;
  /** The payload, as JSON; `{{id}}` is the id of the message. */
  readonly data: string;
  /** It has no answer: what became of it is in the ledger alone. */
  readonly isEvent: boolean;
  /** The right answer, as JSON, with `{{id}}`. @default any */
  readonly answer?: string;
  /** How many values are the answer. @default 1 */
  readonly values?: number;
}

/** What a caller hears of one message. */
export interface Hearing {
  readonly value: (value: unknown) => void;
  readonly end: () => void;
  readonly fail: (fault: Fault) => void;
}

/** Sends messages over one connection of a transport. */
export interface Caller {
  /** Connects, if it is not connected. Resolves to the local port, if it is known. */
  ready(): Promise<number | undefined>;
  /** Sends one message, once. Returns what ends it early. */
  send(spec: MessageSpec, data: unknown, hear: Hearing): () => void;
  close(): void | Promise<void>;
  /** How an error of `ready()` is told. */
  faultOf(error: unknown): Fault;
}

export interface MessageClientOptions {
  readonly requests: readonly MessageSpec[];
  readonly open: () => Caller;
  readonly ledger: Ledger;
  /** A message that has no whole answer this long after it was sent has failed. */
  readonly timeoutMs: number;
  /** Called with the name of the replica that has executed a message, where that is known. */
  readonly onExecuted?: (number: number, replica: string) => void;
}

/**
 * Calls and events of microservices. A call must be answered, whole and rightly, once; where the application keeps a
 * ledger, every message that was sent must have been executed once.
 */
export function messageClient(options: MessageClientOptions): ClientOf {
  return (ears) => new MessageClient(options, ears);
}

class MessageClient implements Client {
  readonly requests: readonly MessageSpec[];
  readonly isShared = true;
  private readonly ids = new UniqueIds();
  private readonly sent = new Map<number, MessageSpec>();

  constructor(
    private readonly options: MessageClientOptions,
    private readonly ears: ClientEars,
  ) {
    this.requests = options.requests;
  }

  connect(): Connection {
    const caller = this.options.open();
    let portBefore: number | undefined;
    return {
      send: async (sending) => {
        const spec = this.requests[sending.request]!;
        let localPort: number | undefined;
        try {
          localPort = await caller.ready();
        } catch (error) {
          return { fault: caller.faultOf(error), reusedConnection: false };
        }
        const reusedConnection = portBefore !== undefined && portBefore === localPort;
        portBefore = localPort;
        const fault = (await this.call(caller, spec, sending)) ?? (await this.checkTrial(spec, sending));
        if (!fault && sending.number >= 0) this.sent.set(sending.number, spec);
        return { fault, reusedConnection, localPort };
      },
      close: () => void caller.close(),
    };
  }

  /** Compares what was answered, or accepted, with what was executed. */
  async settle(signal: AbortSignal): Promise<void> {
    const { ledger, timeoutMs, onExecuted } = this.options;
    const wanted = [...this.sent.keys()];
    // Calls have been executed when they are answered: only a ledger that is not kept has none of them.
    const isWaiting = [...this.sent.values()].some(({ isEvent }) => isEvent);
    const hasAll = (executions: readonly Execution[]): boolean => {
      const executed = byNumber(executions, this.ids);
      return wanted.every((number) => executed.has(number));
    };
    const executions = await ledger.readUntil(hasAll, isWaiting ? timeoutMs : 0, signal);
    if (signal.aborted) return;
    for (const { number, fault, replica } of executionFaults(executions, this.ids, this.sent)) {
      if (replica !== undefined) onExecuted?.(number, replica);
      if (fault) this.ears.late(number, fault);
    }
  }

  /** Before anything is stopped: what is executed by nobody, or by many, would only measure itself. */
  private async checkTrial({ isEvent }: MessageSpec, { number, signal }: Sending): Promise<Fault | undefined> {
    if (number >= 0) return undefined;
    const isThere = (executions: readonly Execution[]): boolean => byNumber(executions, this.ids).has(number);
    const { ledger, timeoutMs } = this.options;
    const executions = await ledger.readUntil(isThere, isEvent ? timeoutMs : 0, signal);
    const times = byNumber(executions, this.ids).get(number)?.length ?? 0;
    if (times > 1) return { kind: 'twice', detail: `executed ${times} times: every replica hears it` };
    if (times === 0 && isEvent) {
      return { kind: 'lost', detail: `its handler has not appended the id to the file that ${ledgerEnv} names` };
    }
    return undefined;
  }

  private call(caller: Caller, spec: MessageSpec, { number, signal }: Sending): Promise<Fault | undefined> {
    const id = this.ids.of(number);
    const { isEvent, answer, values: expected = 1 } = spec;
    return outcomeWithin(this.options.timeoutMs, signal, (settle) => {
      const values: unknown[] = [];
      return caller.send(spec, jsonOf(spec.data, id), {
        value: (value) => values.push(value),
        fail: settle,
        end: () => {
          if (isEvent) return settle();
          if (values.length > expected) return settle({ kind: 'twice', detail: `${values.length} answers` });
          if (values.length < expected) return settle({ kind: 'cut-short', detail: `${values.length} answers` });
          const isRight = answer === undefined || values.every((each) => isDeepStrictEqual(each, jsonOf(answer, id)));
          settle(isRight ? undefined : { kind: 'wrong-body', detail: JSON.stringify(values.at(-1)).slice(0, 200) });
        },
      });
    });
  }
}

/** The text with its id, as a value. @throws BadInputError for what is no JSON */
export function jsonOf(text: string, id: string): unknown {
  try {
    return JSON.parse(withId(text, id));
  } catch (error) {
    throw new BadInputError(`Expected JSON, as {"id":"{{id}}"}, got '${text}'.`, { cause: error });
  }
}

/** What was executed of what was sent, a message each; nothing when no ledger is kept. */
export function executionFaults(
  executions: readonly Execution[],
  ids: UniqueIds,
  sent: ReadonlyMap<number, MessageSpec>,
): { readonly number: number; readonly fault?: Fault; readonly replica?: string }[] {
  const executed = byNumber(executions, ids);
  if (executed.size === 0) return [];
  return [...sent].map(([number, { isEvent }]) => {
    const own = executed.get(number) ?? [];
    const replica = own.at(-1)?.replica;
    const lost = isEvent ? 'not executed' : 'answered, and not executed';
    if (own.length === 0) return { number, replica, fault: { kind: 'lost', detail: lost } };
    if (own.length > 1) return { number, replica, fault: { kind: 'twice', detail: `executed ${own.length} times` } };
    return { number, replica };
  });
}

function byNumber(executions: readonly Execution[], ids: UniqueIds): Map<number, Execution[]> {
  const executed = new Map<number, Execution[]>();
  for (const execution of executions) {
    const number = ids.numberOf(execution.id);
    if (number === undefined) continue;
    const own = executed.get(number);
    if (own) own.push(execution);
    else executed.set(number, [execution]);
  }
  return executed;
}
