import { constants as system } from 'node:os';
import { type AttachOptions, type DrillOptions } from '../drill/drill-options.js';
import { durationOf } from '../drill/duration-text.js';
import { BadInputError } from '../drill/errors.js';
import { type RequestSpec } from '../drill/exchange.js';
import { platformOf, type Platform, type PresetName } from '../drill/platform.js';
import { isLoopback, requestOf, requestsOf } from '../drill/request-line.js';
import { loadScript } from '../drill/script.js';
import { type ShellName } from '../drill/shell.js';
import { lagsFor, messagesFrom, type ServiceFlags, readinessFrom } from './service-flags.js';

/** As commander hands them over: texts, as they were given. */
export interface Flags extends ServiceFlags {
  readonly portEnv: string;
  readonly replicas: string;
  readonly startTimeout: string;
  readonly request?: readonly string[];
  readonly urls?: string;
  readonly rate: string;
  readonly connections?: string;
  readonly timeout: string;
  readonly allowRemote?: boolean;
  readonly preset?: PresetName;
  readonly signal?: string;
  readonly preStop?: string;
  readonly grace?: string;
  readonly deregister?: boolean;
  readonly lag: string;
  readonly rounds: string;
  readonly warmUp: string;
  readonly coolDown: string;
  readonly port?: string;
  readonly shell?: ShellName;
  readonly maxP99?: string;
  readonly maxLoss?: string;
  readonly title?: string;
  readonly compare?: string;
  readonly script?: string;
  readonly attach?: string;
  readonly during?: string;
  readonly reload?: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly html?: string;
}

/** What the drill takes. Rejects with a `BadInputError`, or a `RangeError`, for what cannot be. */
export async function optionsOf(command: readonly string[], flags: Flags): Promise<DrillOptions> {
  checkTarget(command, flags);
  const script = flags.script === undefined ? undefined : await loadScript(flags.script);
  return {
    command,
    attach: attachFrom(flags),
    reload: flags.reload,
    platform: platformFrom(flags),
    requests: [...(script?.requests ?? []), ...requestsFrom(flags, script === undefined)],
    prepare: script?.prepare,
    protocol: flags.protocol,
    insecure: flags.insecure,
    messages: messagesFrom(flags),
    readinessPath: readinessFrom(flags),
    portEnv: flags.portEnv,
    replicas: wholeNumber(flags.replicas, '--replicas', 1, 50),
    rounds: wholeNumber(flags.rounds, '--rounds', 1, 1_000),
    lagsMs: lagsFor(flags) ?? flags.lag.split(',').map((lag) => durationOf(lag, '--lag')),
    ratePerSecond: positive(flags.rate, '--rate'),
    connections:
      flags.connections === undefined ? undefined : wholeNumber(flags.connections, '--connections', 1, 1_000),
    timeoutMs: durationOf(flags.timeout, '--timeout'),
    startTimeoutMs: durationOf(flags.startTimeout, '--start-timeout'),
    warmUpMs: durationOf(flags.warmUp, '--warm-up'),
    coolDownMs: durationOf(flags.coolDown, '--cool-down'),
    port: flags.port === undefined ? undefined : wholeNumber(flags.port, '--port', 1, 65_535),
    shell: flags.shell,
    maxP99Ms: flags.maxP99 === undefined ? undefined : durationOf(flags.maxP99, '--max-p99'),
    maxLoss: flags.maxLoss === undefined ? undefined : shareOf(flags.maxLoss, '--max-loss'),
    title: flags.title,
  };
}

function platformFrom({ reload, signal, preStop, grace, deregister, ...flags }: Flags): Platform {
  const preset = flags.preset ?? (reload === 'pm2' ? 'pm2' : 'kubernetes');
  if (signal !== undefined && !(signal in system.signals)) {
    throw new BadInputError(`--signal takes the name of a signal, as SIGTERM, got '${signal}'.`);
  }
  return platformOf(preset, {
    signal: signal as NodeJS.Signals | undefined,
    preStopMs: preStop === undefined ? undefined : durationOf(preStop, '--pre-stop'),
    graceMs: grace === undefined ? undefined : durationOf(grace, '--grace'),
    deregisters: deregister,
  });
}

/** One thing is rolled: replicas of a command, the group that a command starts, or what is attached. */
function checkTarget(command: readonly string[], flags: Flags): void {
  const { attach, during, reload, script, protocol = 'http' } = flags;
  if (script !== undefined && (messagesFrom(flags) !== undefined || !/^(https?|h2c?)$/.test(protocol))) {
    throw new BadInputError('--script makes requests of HTTP: leave it out, or --protocol and --transport.');
  }
  if ((attach === undefined) !== (during === undefined)) {
    throw new BadInputError(
      "--attach and --during belong together: --attach http://host --during 'kubectl rollout restart deploy/orders'.",
    );
  }
  if (attach !== undefined && (command.length > 0 || reload !== undefined)) {
    throw new BadInputError('--attach asks what somebody else has started: give no command and no --reload with it.');
  }
  if (attach === undefined && command.length === 0) {
    throw new BadInputError('There is nothing to roll: give the command that starts a replica, or --attach.');
  }
}

function attachFrom({ attach, during = '', allowRemote = false }: Flags): AttachOptions | undefined {
  if (attach === undefined) return undefined;
  const url = URL.canParse(attach) ? new URL(attach) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new BadInputError(`--attach takes a URL, as http://127.0.0.1:8080, got '${attach}'.`);
  }
  if (!allowRemote && !isLoopback(url.hostname)) {
    throw new BadInputError(
      `${attach} is not on this machine: a drill is load, and goes elsewhere only with --allow-remote.`,
    );
  }
  return { url: url.origin, during };
}

function requestsFrom({ request = [], urls, allowRemote = false }: Flags, hasDefault: boolean): RequestSpec[] {
  const given = [
    ...request.map((line) => requestOf(line, { allowRemote })),
    ...(urls === undefined ? [] : requestsOf(urls, { allowRemote })),
  ];
  return given.length > 0 || !hasDefault ? given : [requestOf('GET /', { allowRemote })];
}

function wholeNumber(text: string, option: string, least: number, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new BadInputError(`${option} takes a whole number from ${least} to ${most}, got '${text}'.`);
}

function positive(text: string, option: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && number <= 100_000) return number;
  throw new BadInputError(`${option} takes a number above 0, up to 100000, got '${text}'.`);
}

/** A share of all, as `0.1%` or `0.001`. */
function shareOf(text: string, option: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)\s*(%)?$/.exec(text.trim()) ?? [];
  const share = Number(number) / (percent ? 100 : 1);
  if (number !== undefined && share <= 1) return share;
  throw new BadInputError(`${option} takes a share of all requests as 0.1% or 0.001, got '${text}'.`);
}
