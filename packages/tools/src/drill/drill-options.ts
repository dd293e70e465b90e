import { type DrillMessages, messageSpecOf, type Protocol } from './clients/protocols.js';
import { type RequestSpec } from './exchange.js';
import { type OpenLoopCounts } from './open-loop-clients.js';
import { type Platform } from './platform.js';
import { type ReplicaExit } from './replica.js';
import { type DrillSettings } from './result.js';
import { type ShellName } from './shell.js';

/**
 * Somebody else's service.
 *
 * @publicApi
 */
export interface AttachOptions {
  /** Where it is asked: `https://shop.example`. */
  readonly url: string;
  /** A line of shell that has it rolled, and ends when that is done. */
  readonly during: string;
}

/**
 * What is rolled, how, and under which traffic. Durations are milliseconds.
 *
 * @publicApi
 */
export interface DrillOptions {
  /** What starts one replica: a file and its arguments. */
  readonly command: readonly string[];
  /** What is asked instead of replicas of the command, which is empty then. @default nothing */
  readonly attach?: AttachOptions;
  /**
   * The command starts a group of processes that share a port, and this reloads it: `pm2`, `serve`, `systemd`,
   * `cluster`, or a line of shell. @default replicas are rolled one by one
   */
  readonly reload?: string;
  /** Called once, when what is rolled may be asked and has not been yet. */
  readonly prepare?: (url: string) => Promise<void>;
  /** How a replica is stopped: `platformOf('kubernetes')`, for instance. */
  readonly platform: Platform;
  /** What is asked, and which answers are right. At least one, without `messages`. */
  readonly requests: readonly RequestSpec[];
  /** What the service speaks. @default 'http' */
  readonly protocol?: Protocol;
  /** TLS: a certificate that nobody vouches for will do. @default false */
  readonly insecure?: boolean;
  /** What is sent to a microservice, or to workers, instead of requests. */
  readonly messages?: DrillMessages;
  /** The path that answers 200 while a replica may be sent traffic. */
  readonly readinessPath: string;
  /** The folder that replicas run in. @default the current one */
  readonly cwd?: string;
  /** What replicas have in their environment besides that of this process. @default nothing */
  readonly env?: Readonly<Record<string, string>>;
  /** The environment variable that tells a replica its port. @default 'PORT' */
  readonly portEnv?: string;
  /** How many replicas serve at a time. @default 3 */
  readonly replicas?: number;
  /** Rolls with each lag. @default 1 */
  readonly rounds?: number;
  /**
   * How long the balancer goes on sending new connections to a replica that is about to leave. @default 0, 500, 2_000,
   * 5_000
   */
  readonly lagsMs?: readonly number[];
  /** Requests a second, whatever the answers. @default 100 */
  readonly ratePerSecond?: number;
  /** Connections that are kept. @default half the rate, between 2 and 40 */
  readonly connections?: number;
  /** A request that has no whole answer after this long has failed. @default 10_000 */
  readonly timeoutMs?: number;
  /** How long a replica may take to become ready. @default 60_000 */
  readonly startTimeoutMs?: number;
  /** Traffic before the first roll. @default 2_000 */
  readonly warmUpMs?: number;
  /** Traffic after each roll. @default 1_000 */
  readonly coolDownMs?: number;
  /** The port of the balancer. @default any free one */
  readonly port?: number;
  /** What `sh` is for the command and for npm, as in the image. @default what it is here */
  readonly shell?: ShellName;
  /** The verdict is not passed when the 99th percentile of answers in rolls is above this. @default none */
  readonly maxP99Ms?: number;
  /** The share of requests, 0 to 1, that may fail. @default 0 */
  readonly maxLoss?: number;
  /** What the report is headed by. @default the name of the service */
  readonly title?: string;
  /** Ends the drill, and everything it has started. */
  readonly signal?: AbortSignal;
  /** Called when a step of the drill was taken. */
  readonly onStep?: (step: DrillStep) => void;
  /** Called a few times a second while there is traffic. */
  readonly onTick?: (atMs: number, counts: OpenLoopCounts) => void;
}

/** What is not given. */
export const drillDefaults = {
  portEnv: 'PORT',
  replicas: 3,
  rounds: 1,
  lagsMs: [0, 500, 2_000, 5_000],
  ratePerSecond: 100,
  timeoutMs: 10_000,
  startTimeoutMs: 60_000,
  warmUpMs: 2_000,
  coolDownMs: 1_000,
} as const;

/**
 * What just happened. Instants are ms since the first request was due, 0 before.
 *
 * @publicApi
 */
export type DrillStep = { readonly atMs: number; readonly counts: OpenLoopCounts } & (
  | { readonly kind: 'balancer'; readonly url: string }
  | { readonly kind: 'serving' | 'stopping' | 'signalled' | 'unready' | 'out'; readonly replica: string }
  | { readonly kind: 'exited' | 'died'; readonly replica: string; readonly exit: ReplicaExit }
  | { readonly kind: 'roll'; readonly lagMs?: number; readonly round: number }
  | { readonly kind: 'command-started' | 'command-ended'; readonly command: string }
  | { readonly kind: 'traffic-started' | 'traffic-stopped' }
);

/** The options as the result tells them. */
export function settingsOf(options: DrillOptions): DrillSettings {
  const { command, platform, messages, protocol = 'http', readinessPath } = options;
  const requests: readonly { name: string; weight?: number }[] = messages
    ? [messageSpecOf(messages)]
    : options.requests;
  const weights = requests.reduce((sum, { weight = 1 }) => sum + weight, 0);
  return {
    command,
    preset: platform.name,
    protocol: messages?.transport ?? protocol,
    attach: options.attach,
    reload: options.reload,
    replicas: options.attach ? 0 : (options.replicas ?? drillDefaults.replicas),
    rounds: options.rounds ?? drillDefaults.rounds,
    ratePerSecond: options.ratePerSecond ?? drillDefaults.ratePerSecond,
    // Somebody else decides how long new connections go on coming.
    lagsMs: options.attach || options.reload !== undefined ? [] : (options.lagsMs ?? drillDefaults.lagsMs),
    readinessPath,
    signal: platform.signal,
    preStopMs: platform.preStopMs,
    graceMs: platform.graceMs,
    timeoutMs: options.timeoutMs ?? drillDefaults.timeoutMs,
    requests: requests.map(({ name, weight = 1 }) => ({ name, share: weight / weights })),
  };
}
