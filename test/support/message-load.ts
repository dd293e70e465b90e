/**
 * Rolls one replica under a load of messages, and reconciles every one of them: `rollOnce()`. The application, the
 * client and the successor are processes of their own (test/brokers/apps), so that none waits for another.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess } from '../../packages/tools/src/drill/children.js';
import { type GracefulShutdownOptions, type ShutdownReport } from '../../src/index.js';
import { awakeMs } from './awake.js';
import { HoldingProxy } from './holding-proxy.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

export type TransportName = 'tcp' | 'redis' | 'nats' | 'mqtt' | 'grpc' | 'rmq' | 'kafka' | 'custom';
/** `bidi` exists with gRPC alone, `event` everywhere else. */
export type MessageKind = 'rpc' | 'stream' | 'event' | 'bidi';

export interface RollSetup {
  readonly transport: TransportName;
  /** The address of the broker (that of a wire, for the application); none for TCP and gRPC. */
  readonly url?: string;
  /** The client's and the successor's way to the broker, where the application's own is a wire. Default: `url`. */
  readonly directUrl?: string;
  readonly kind?: 'microservice' | 'hybrid';
  readonly end?: 'SIGTERM' | 'close';
  /** What `forRoot()` is given; `false` leaves the module out, for controls. */
  readonly drain?: GracefulShutdownOptions | false;
  /** Messages a second, of all kinds together. Default: 50. */
  readonly rate?: number;
  /** How the kinds share the rate. Default: 2 RPC, 1 stream of five values, 2 events; gRPC: 2, 1, and 1 bidi. */
  readonly shares?: Partial<Record<MessageKind, number>>;
  /** Default: 500. */
  readonly handlerMs?: number;
  /** RabbitMQ: `noAck` and the prefetch count. Default: true, 100. */
  readonly noAck?: boolean;
  readonly prefetch?: number;
  /** MQTT: a session that outlives the connection (`clean: false`, QoS 1) and that the successor takes over. */
  readonly persistent?: boolean;
  /** More options of the transport's server. */
  readonly server?: Readonly<Record<string, unknown>>;
  readonly inheritAppConfig?: boolean;
  /** TCP: the client sends with `retryWhenDraining()` of `nestjs-drain/client`. */
  readonly retry?: boolean;
  /** TCP and gRPC: how long new connections still reach the leaving replica, after it was told to end. Default: 0. */
  readonly lagMs?: number;
  /** The successor is up before the end, or comes after it. Default: what the transport can share. */
  readonly successor?: 'before' | 'after';
  /** How long the load runs before the end. Default: two handlers, and 500 ms. */
  readonly beforeMs?: number;
  /**
   * Once the client has stopped sending, what has not ended is given up when nothing more has for so long. Default: a
   * handler, and 2 s.
   */
  readonly settleMs?: number;
  /** Called when the drain of the replica has begun: drop a connection, stop the broker. */
  readonly inDrain?: () => unknown;
  /** Called after that: what would end in the drain ends only when this has settled. The drain is not over before. */
  readonly heldUntil?: (client: { readonly fails: () => Promise<unknown> }) => unknown;
  /** The folder of the applications, where they find another Nest. Default: `DRAIN_BROKER_APPS`, or the repository's. */
  readonly apps?: string;
}

export interface RollResult {
  readonly sent: number;
  /** RPC and streams of which the client heard everything, once. */
  readonly answered: number;
  /** Calls that had neither end nor error when the client had waited long enough. */
  readonly unanswered: number;
  /** Calls that failed, and events that could not be sent: how many times each message. */
  readonly errors: Readonly<Record<string, number>>;
  readonly failed: number;
  /** Calls that ended well with too few values. */
  readonly wrongAnswers: number;
  /** Calls that ended well with too many. */
  readonly repeatedAnswers: number;
  /** Started twice or more, by whichever replica. */
  readonly twice: number;
  /** Never started. Those that the client was told of by an error are among them. */
  readonly never: number;
  /** Started by the leaving replica, and not finished there. */
  readonly cut: number;
  /** Events that no replica has finished. */
  readonly eventsLost: number;
  /** Those of them that the client had written on a connection whose end it had read: nobody can save them. */
  readonly eventsBehindEnd: number;
  /** Times that a handler needed a provider after its `onModuleDestroy`. */
  readonly afterDestroy: number;
  /** Of both replicas and the client. */
  readonly unhandledRejections: readonly string[];
  /** Between the end of the last handler of the leaving replica and its exit. */
  readonly exitAfterLastHandlerMs: number;
  /** Between what told it to end and its exit. */
  readonly exitMs: number;
  readonly exit: number | NodeJS.Signals;
  /**
   * The same two, without the time in which the machine let the process stand still: what it waited for counts, and
   * nothing else. Tests judge these.
   */
  readonly awakeAfterLastHandlerMs: number;
  readonly awakeMs: number;
  /** Started by the leaving replica after it was told to end. */
  readonly startedLate: number;
  /** Started by the leaving replica, though the client sent it when `inDrain` had done its part. */
  readonly startedBehindFailure: number;
  readonly report?: ShutdownReport;
  /** What the leaving replica printed: warnings and errors. */
  readonly output: string;
}

interface Outcome {
  readonly kind: MessageKind;
  readonly id: string;
  readonly sentAt: number;
  readonly values: number;
  readonly ended: boolean;
  readonly error?: string;
  /** It was written on a connection whose end had been read. */
  readonly isBehindEnd?: boolean;
}

interface Entry {
  readonly at: number;
  readonly what: 'awake' | 'start' | 'end' | 'after destroy' | 'destroyed' | 'unhandled rejection' | 'report';
  readonly id?: string;
  readonly error?: string;
  readonly report?: ShutdownReport;
}

const appsHere = fileURLToPath(new URL('../brokers/apps', import.meta.url));
/** Two members of a group may share the work of one queue with these. */
const sharing: readonly TransportName[] = ['nats', 'mqtt', 'rmq', 'tcp', 'grpc', 'custom'];
const oneOfEach = { rpc: 2, stream: 1, event: 2, bidi: 1 };
/** How long the load runs on once the leaving replica is gone and its successor is there. */
const afterMs = 300;
/** How long an event takes to its handler at most. */
const eventMs = 100;
/** A replica that has not ended by then has not ended. */
const exitTimeoutMs = 45_000;

/** Rolls one replica: it is up, loaded, told to end, and followed by its successor. */
export async function rollOnce(setup: RollSetup): Promise<RollResult> {
  const { transport, end = 'SIGTERM', handlerMs = 500, persistent = false, lagMs = 0 } = setup;
  const { settleMs = handlerMs + 2_000 } = setup;
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-roll-'));
  const roll = `roll${process.pid}x${Math.random().toString(36).slice(2, 8)}`;
  const { apps = process.env.DRAIN_BROKER_APPS ?? appsHere, directUrl = setup.url } = setup;
  const hasAddress = transport === 'tcp' || transport === 'grpc';
  const ports = hasAddress ? [await freePort(), await freePort()] : [];
  const front = hasAddress ? await HoldingProxy.listen(ports[0]!) : undefined;
  const shared = {
    kind: 'microservice',
    noAck: true,
    prefetch: 100,
    drain: {},
    ...setup,
    roll,
    handlerMs,
    holds: !!setup.heldUntil,
  };
  const children: Child[] = [];
  const start = async (script: string, settings: object) => {
    const child = new Child(join(apps, script), { ...shared, ...settings });
    children.push(child);
    await child.hears('ready');
    return child;
  };
  const replica = (index: 0 | 1) =>
    start('orders.mjs', {
      url: index === 0 ? setup.url : directUrl,
      port: ports[index],
      ledger: join(folder, `${index}`),
      // The session of MQTT belongs to the name of the client.
      clientId: persistent ? roll : undefined,
    });
  try {
    const leaving = await replica(0);
    const comes = setup.successor ?? (sharing.includes(transport) && !persistent ? 'before' : 'after');
    if (comes === 'before') await replica(1);
    const client = await start('client.mjs', {
      url: directUrl,
      port: front?.port,
      rate: setup.rate ?? 50,
      shares: setup.shares ?? oneOfEach,
      settleMs,
    });
    await sleep(setup.beforeMs ?? 2 * handlerMs + 500);
    const toldAt = now();
    if (end === 'close') leaving.say('close');
    else leaving.signal('SIGTERM');
    const aim = front && sleep(lagMs).then(() => front.aim(ports[1]!));
    if (setup.inDrain || setup.heldUntil) await leaving.hears('draining');
    await setup.inDrain?.();
    const failedAt = now();
    await setup.heldUntil?.({ fails: () => client.hears('failed') });
    if (setup.heldUntil) leaving.say('go on');
    const { exit, at: exitAt } = await leaving.exits();
    await aim;
    if (comes === 'after') await replica(1);
    await sleep(afterMs);
    client.say('stop');
    const { outcomes, rejections } = (await client.hears('outcomes')) as { outcomes: Outcome[]; rejections: string[] };
    await sleep(handlerMs + eventMs);
    const ledgers = () => [read(join(folder, '0')), read(join(folder, '1'))] as const;
    const reconciled = () => reconcile(outcomes, rejections, ledgers(), { toldAt, failedAt, exitAt });
    // Events have no answer: those that were sent last may still wait behind others.
    const missing = ({ eventsLost, eventsBehindEnd } = reconciled()) => eventsLost - eventsBehindEnd;
    let waiting = missing();
    let lastAt = now() + settleMs;
    while (waiting > 0 && now() < lastAt) {
      await sleep(100);
      const still = missing();
      if (still < waiting) lastAt = now() + settleMs;
      waiting = still;
    }
    return { ...reconciled(), exit, output: leaving.output };
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await front?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What must be zero when a replica leaves. */
const flaws = [
  'unanswered',
  'failed',
  'wrongAnswers',
  'repeatedAnswers',
  'twice',
  'never',
  'cut',
  'eventsLost',
  'afterDestroy',
] as const;
export type Flaw = (typeof flaws)[number] | 'unhandledRejections';

/**
 * Everything that went wrong, by its name: nothing is `{}`. Those in `except` cannot be had with this transport: without
 * overlap a broadcast has a gap, in which messages are never started. Events behind the end of their connection are no
 * flaw.
 */
export function flawsOf(result: RollResult, except: readonly Flaw[] = []): Partial<Record<Flaw, number>> {
  const { eventsBehindEnd, eventsLost, never, unhandledRejections } = result;
  const counted = {
    ...result,
    eventsLost: eventsLost - eventsBehindEnd,
    never: never - eventsBehindEnd,
    unhandledRejections: unhandledRejections.length,
  };
  const found = ([...flaws, 'unhandledRejections'] as const).filter((flaw) => counted[flaw] > 0);
  return Object.fromEntries(
    found.filter((flaw) => !except.includes(flaw)).map((flaw) => [flaw, counted[flaw]] as const),
  );
}

function reconcile(
  outcomes: readonly Outcome[],
  rejections: readonly string[],
  [first, second]: readonly [readonly Entry[], readonly Entry[]],
  { toldAt, failedAt, exitAt }: Readonly<Record<'toldAt' | 'failedAt' | 'exitAt', number>>,
): Omit<RollResult, 'exit' | 'output'> {
  const both = [...first, ...second];
  const starts = countById(both, 'start');
  const ends = countById(both, 'end');
  const marksOfFirst = first.map(({ at }) => at);
  const startsOfFirst = countById(first, 'start');
  const endsOfFirst = countById(first, 'end');
  const calls = outcomes.filter(({ kind }) => kind !== 'event');
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const well = calls.filter(({ ended, error }) => ended && error === undefined);
  const expected = ({ kind }: Outcome) => (kind === 'rpc' ? 1 : 5);
  const lastEnd = Math.max(toldAt, ...first.filter(({ what }) => what === 'end').map(({ at }) => at));
  const lost = outcomes.filter(({ kind, id }) => kind === 'event' && !ends.has(id));
  const errors: Record<string, number> = {};
  for (const { error } of failed) errors[error!] = (errors[error!] ?? 0) + 1;
  return {
    sent: outcomes.length,
    answered: well.filter((each) => each.values === expected(each)).length,
    unanswered: calls.filter(({ ended }) => !ended).length,
    errors,
    failed: failed.length,
    wrongAnswers: well.filter((each) => each.values < expected(each)).length,
    repeatedAnswers: well.filter((each) => each.values > expected(each)).length,
    twice: outcomes.filter(({ id }) => (starts.get(id) ?? 0) > 1).length,
    never: outcomes.filter(({ id }) => !starts.has(id)).length,
    cut: [...startsOfFirst.keys()].filter((id) => !endsOfFirst.has(id)).length,
    eventsLost: lost.length,
    eventsBehindEnd: lost.filter(({ id, isBehindEnd }) => isBehindEnd && !starts.has(id)).length,
    afterDestroy: both.filter(({ what }) => what === 'after destroy').length,
    unhandledRejections: [
      ...both.filter(({ what }) => what === 'unhandled rejection').map(({ error }) => error!),
      ...rejections,
    ],
    exitAfterLastHandlerMs: exitAt - lastEnd,
    exitMs: exitAt - toldAt,
    awakeAfterLastHandlerMs: awakeMs(marksOfFirst, lastEnd, exitAt),
    awakeMs: awakeMs(marksOfFirst, toldAt, exitAt),
    startedLate: first.filter(({ what, at }) => what === 'start' && at > toldAt).length,
    startedBehindFailure: outcomes.filter(({ id, sentAt }) => sentAt > failedAt && startsOfFirst.has(id)).length,
    report: first.find(({ what }) => what === 'report')?.report,
  };
}

function countById(entries: readonly Entry[], wanted: Entry['what']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { what, id } of entries) if (what === wanted) counts.set(id!, (counts.get(id!) ?? 0) + 1);
  return counts;
}

/** The last line may have been cut by the end of the process. */
function read(ledger: string): Entry[] {
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);
}

class Child {
  output = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<{ readonly exit: number | NodeJS.Signals; readonly at: number }>;
  private readonly heard: unknown[] = [];

  constructor(
    private readonly script: string,
    settings: object,
  ) {
    const env = { ...process.env, KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1', NODE_OPTIONS: '' };
    this.child = fork(script, [JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env,
      execArgv: [],
    });
    endWithThisProcess(this.child);
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.child.on('message', (message) => this.heard.push(message));
    this.exited = new Promise((resolve) => {
      let at = 0;
      this.child.once('exit', () => (at = now()));
      this.child.once('close', (code, signal) => resolve({ exit: code ?? signal!, at }));
    });
  }

  /** Resolves with the first message that is this word, or has it as a key. Rejects when the process ends without. */
  hears(word: string): Promise<unknown> {
    const isIt = (message: unknown) => message === word || (typeof message === 'object' && word in message!);
    return new Promise((resolve, reject) => {
      const look = () => this.heard.some(isIt) && resolve(this.heard.find(isIt));
      this.child.on('message', look);
      look();
      void this.exited.then(({ exit }) => reject(new Error(`${this.script} ended (${exit}):\n${this.output}`)));
    });
  }

  say(word: string): void {
    this.child.send(word);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async exits(): Promise<{ readonly exit: number | NodeJS.Signals; readonly at: number }> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), exitTimeoutMs);
    const end = await this.exited;
    clearTimeout(timer);
    return end;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** The same clock in all processes of the machine. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
