import { Command, Help, Option } from 'commander';
import ms from 'ms';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { constants as system } from 'node:os';
import { drill } from '../drill/drill.js';
import { drillDefaults, type DrillOptions } from '../drill/drill-options.js';
import { durationOf } from '../drill/duration-text.js';
import { BadInputError } from '../drill/errors.js';
import { type RequestSpec } from '../drill/exchange.js';
import { jsonOf } from '../drill/formats/json.js';
import { junitOf } from '../drill/formats/junit.js';
import { textOf } from '../drill/formats/text.js';
import { platformOf, presets, type Platform, type PresetName } from '../drill/platform.js';
import { requestOf, requestsOf } from '../drill/request-line.js';
import { type DrillResult } from '../drill/result.js';
import { BAD_INPUT, helpWidth } from './conventions.js';
import { description, helpAfter } from './drill-help.js';
import { Progress } from './progress.js';

/** As commander hands them over: texts, as they were given. */
interface Flags {
  readonly ready: string;
  readonly portEnv: string;
  readonly replicas: string;
  readonly startTimeout: string;
  readonly request?: readonly string[];
  readonly urls?: string;
  readonly rate: string;
  readonly connections?: string;
  readonly timeout: string;
  readonly allowRemote?: boolean;
  readonly preset: PresetName;
  readonly signal?: string;
  readonly preStop?: string;
  readonly grace?: string;
  readonly deregister?: boolean;
  readonly lag: string;
  readonly rounds: string;
  readonly warmUp: string;
  readonly coolDown: string;
  readonly port?: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly html?: string;
}

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
/** As an option takes it. */
const compact = (milliseconds: number): string => ms(milliseconds);

/** `nestjs-drain drill`. It ends the process. */
export function drillCommand(): Command {
  return new Command('drill')
    .summary('rolls your service under load, and says what is lost')
    .description(description)
    .usage('[options] -- <command> [argument...]')
    .argument('<command...>', 'what starts one replica, such as node dist/main.js')
    .passThroughOptions()
    .configureOutput({
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      outputError: (message, write) => write(message.replace(/^error: /, 'nestjs-drain drill: ')),
    })
    .configureHelp({ optionDescription: (option) => new Help().optionDescription(option).replaceAll('"', '') })
    .exitOverride()
    .optionsGroup('The service:')
    .option('--ready <path>', 'path that answers 200 while the replica may be sent traffic', '/health/ready')
    .option('--port-env <name>', 'environment variable that tells a replica its port', drillDefaults.portEnv)
    .option('--replicas <number>', 'replicas that serve at a time', String(drillDefaults.replicas))
    .option('--start-timeout <duration>', 'time for a replica to become ready', compact(drillDefaults.startTimeoutMs))
    .optionsGroup('The traffic:')
    .option('--request <request>', "what to ask, as 'GET /orders'; may be repeated; see Requests", repeated)
    .option('--urls <file>', 'requests from a file, one a line')
    .option('--rate <number>', 'requests a second, whatever the answers', String(drillDefaults.ratePerSecond))
    .option('--connections <number>', 'connections that are kept (default: half the rate, 2 to 40)')
    .option('--timeout <duration>', 'a request without a whole answer has failed', compact(drillDefaults.timeoutMs))
    .option('--allow-remote', 'let requests that are whole URLs leave this machine')
    .optionsGroup('The roll:')
    .addOption(
      new Option('--preset <name>', "the platform's procedure; see Presets")
        .choices(Object.keys(presets))
        .default('kubernetes'),
    )
    .option('--signal <name>', 'signal that stops a replica')
    .option('--pre-stop <duration>', 'wait between the beginning of the end and the signal')
    .option('--grace <duration>', 'time until SIGKILL; the preStop wait is part of it')
    .option('--deregister', 'the balancer is told when a replica is about to stop')
    .option('--no-deregister', 'readiness alone takes a replica out of rotation')
    .option(
      '--lag <durations>',
      'how long a replica that leaves is still sent new connections; a roll for each',
      drillDefaults.lagsMs.map(compact).join().replace('0ms', '0'),
    )
    .option('--rounds <number>', 'rolls of every replica with each lag', String(drillDefaults.rounds))
    .option('--warm-up <duration>', 'traffic before the first roll', compact(drillDefaults.warmUpMs))
    .option('--cool-down <duration>', 'traffic after each roll', compact(drillDefaults.coolDownMs))
    .option('--port <number>', 'port of the balancer (default: any free one)')
    .optionsGroup('The report:')
    .option('--json', 'print the whole result as JSON; everything else goes to standard error')
    .option('--junit <file>', 'write a JUnit report, a test case for each shutdown')
    .option('--html <file>', 'write a report with charts, in one file')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', helpAfter)
    .action(async (command: readonly string[], flags: Flags) => process.exit(await run(command, flags)));
}

async function run(command: readonly string[], flags: Flags): Promise<number> {
  const interrupts = new Interrupts();
  const progress = new Progress(flags.json ? process.stderr : process.stdout);
  try {
    const options = optionsOf(command, flags);
    for (const file of [flags.junit, flags.html]) if (file) checkWritable(file);
    progress.announce(options);
    const result = await drill({
      ...options,
      signal: interrupts.signal,
      onStep: (step) => progress.say(step),
      onTick: (atMs, counts) => progress.tick(atMs, counts),
    });
    progress.end();
    await report(result, flags);
    return result.lostNothing ? 0 : 1;
  } catch (error) {
    progress.end();
    if (interrupts.number !== undefined) {
      process.stderr.write('nestjs-drain drill: interrupted; every process it had started has been ended.\n');
      return 128 + interrupts.number;
    }
    if (!(error instanceof BadInputError || error instanceof RangeError)) throw error;
    process.stderr.write(`nestjs-drain drill: ${error.message.replaceAll('\n', ' ')}\n`);
    return BAD_INPUT;
  } finally {
    interrupts.end();
  }
}

async function report(result: DrillResult, { json, junit, html }: Flags): Promise<void> {
  if (junit) writeFileSync(junit, junitOf(result));
  if (html) writeFileSync(html, (await import('../drill/report/index.js')).htmlReport(result));
  const text = textOf(result);
  process[json ? 'stderr' : 'stdout'].write(`\n${text}`);
  for (const file of [junit, html]) if (file) process.stderr.write(`Written: ${file}\n`);
  // `process.exit` does not wait for a pipe.
  if (json) await new Promise((resolve) => process.stdout.write(jsonOf(result), resolve));
}

/** Ctrl-C ends the drill with all its children; the second one ends it at once, and they end with it. */
class Interrupts {
  number?: number;
  private readonly controller = new AbortController();

  constructor() {
    for (const signal of signals) process.on(signal, this.interrupt);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    for (const signal of signals) process.off(signal, this.interrupt);
  }

  private readonly interrupt = (signal: NodeJS.Signals): void => {
    const number = system.signals[signal];
    if (this.number !== undefined) process.exit(128 + number);
    this.number = number;
    this.controller.abort(new Error(signal));
  };
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function optionsOf(command: readonly string[], flags: Flags): DrillOptions {
  return {
    command,
    platform: platformFrom(flags),
    requests: requestsFrom(flags),
    readinessPath: pathFrom(flags.ready),
    portEnv: flags.portEnv,
    replicas: wholeNumber(flags.replicas, '--replicas', 1, 50),
    rounds: wholeNumber(flags.rounds, '--rounds', 1, 1_000),
    lagsMs: flags.lag.split(',').map((lag) => durationOf(lag, '--lag')),
    ratePerSecond: positive(flags.rate, '--rate'),
    connections:
      flags.connections === undefined ? undefined : wholeNumber(flags.connections, '--connections', 1, 1_000),
    timeoutMs: durationOf(flags.timeout, '--timeout'),
    startTimeoutMs: durationOf(flags.startTimeout, '--start-timeout'),
    warmUpMs: durationOf(flags.warmUp, '--warm-up'),
    coolDownMs: durationOf(flags.coolDown, '--cool-down'),
    port: flags.port === undefined ? undefined : wholeNumber(flags.port, '--port', 1, 65_535),
  };
}

function platformFrom({ preset, signal, preStop, grace, deregister }: Flags): Platform {
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

function requestsFrom({ request = [], urls, allowRemote = false }: Flags): RequestSpec[] {
  const given = [
    ...request.map((line) => requestOf(line, { allowRemote })),
    ...(urls === undefined ? [] : requestsOf(urls, { allowRemote })),
  ];
  return given.length > 0 ? given : [requestOf('GET /', { allowRemote })];
}

function pathFrom(path: string): string {
  if (path.startsWith('/')) return path;
  throw new BadInputError(`--ready takes a path that begins with '/', got '${path}'.`);
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

/** A drill takes minutes: what cannot be written is said before it. */
function checkWritable(file: string): void {
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    throw new BadInputError(`${file} cannot be written: its folder is missing or closed to you.`, { cause: error });
  }
}
