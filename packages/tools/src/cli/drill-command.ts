import { Command, Help, Option } from 'commander';
import ms from 'ms';
import { drill } from '../drill/drill.js';
import { drillDefaults } from '../drill/drill-options.js';
import { BadInputError } from '../drill/errors.js';
import { jsonOf, resultIn } from '../drill/formats/json.js';
import { junitOf } from '../drill/formats/junit.js';
import { textOf } from '../drill/formats/text.js';
import { presets } from '../drill/platform.js';
import { type Conclusion, type DrillResult } from '../drill/result.js';
import { shells } from '../drill/shell.js';
import { BAD_INPUT, helpWidth } from './conventions.js';
import { type Flags, optionsOf } from './drill-flags.js';
import { description, helpAfter } from './drill-help.js';
import { Interrupts } from './interrupts.js';
import { checkDifferent, checkWritable, writeAll, writeReport } from './output.js';
import { Progress } from './progress.js';
import { protocolOption, transportOption } from './service-flags.js';

/** What the command exits with for what a drill comes to. */
const exitStatus = { passed: 0, failed: 1, 'not-known': 3 } as const satisfies Record<Conclusion, number>;

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
/** As an option takes it. */
const compact = (milliseconds: number): string => ms(milliseconds);

/** `nestjs-drain drill`. It ends the process. */
export function drillCommand(): Command {
  return new Command('drill')
    .summary('rolls your service under load, and says what is lost')
    .description(description)
    .usage('[options] -- <command> [argument...]')
    .argument('[command...]', 'what starts one replica, such as node dist/main.js')
    .passThroughOptions()
    .configureOutput({
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      outputError: (message, write) => write(message.replace(/^error: /, 'nestjs-drain drill: ')),
    })
    .configureHelp({ optionDescription: (option) => new Help().optionDescription(option).replaceAll('"', '') })
    .exitOverride()
    .optionsGroup('The service:')
    .option('--attach <url>', 'ask what somebody else has started, and rolls; with --during')
    .option('--during <command>', 'has it rolled, and ends when that is done')
    .option('--reload <command>', 'has the group of processes reloaded that the command starts; see Reloads')
    .option(
      '--ready <path>',
      "path that succeeds while the replica may be sent traffic; or 'tcp', 'grpc', 'output:TEXT' " +
        '(default: /health/ready; for messages see Messages)',
    )
    .addOption(new Option('--shell <name>', 'what sh is for the command and for npm, as in your image').choices(shells))
    .option('--port-env <name>', 'environment variable that tells a replica its port', drillDefaults.portEnv)
    .option('--replicas <number>', 'replicas that serve at a time', String(drillDefaults.replicas))
    .option('--start-timeout <duration>', 'time for a replica to become ready', compact(drillDefaults.startTimeoutMs))
    .optionsGroup('The traffic:')
    .option('--request <request>', "what to ask, as 'GET /orders'; may be repeated; see Requests", repeated)
    .option('--script <file>', 'a module that makes requests, and checks answers; see Scripts')
    .option('--urls <file>', 'requests from a file, one a line')
    .option('--rate <number>', 'requests a second, whatever the answers', String(drillDefaults.ratePerSecond))
    .option('--connections <number>', 'connections that are kept (default: half the rate, 2 to 40)')
    .option('--timeout <duration>', 'a request without a whole answer has failed', compact(drillDefaults.timeoutMs))
    .option('--allow-remote', 'let the load leave this machine')
    .optionsGroup('Protocols and messages:')
    .addOption(protocolOption())
    .option('--insecure', 'TLS: a certificate that nobody vouches for will do')
    .addOption(transportOption())
    .option('--pattern <pattern>', 'what the handler listens for; the method of gRPC, the name of a job')
    .option('--data <json>', `the payload (default: {"id":"{{id}}"})`)
    .option('--answer <json>', 'the right answer; {{id}} is the id of the message')
    .option('--values <number>', 'how many values an answer has (default: 1)')
    .option('--event', 'nobody answers: the ledger alone tells what became of it')
    .option('--broker <url>', 'the broker, for messages that go through one')
    .option('--queue <name>', 'the queue of RabbitMQ; with --redis, that of BullMQ')
    .option('--redis <url>', 'the Redis of BullMQ')
    .option('--proto <file>', 'gRPC: the file that has the service')
    .option('--service <name>', 'gRPC: the service, with its package, as orders.Orders')
    .option('--ledger <where>', 'a file or URL that tells executions (default: what replicas write to DRILL_LEDGER)')
    .optionsGroup('The roll:')
    .addOption(
      new Option('--preset <name>', "the platform's procedure; see Presets (default: kubernetes)").choices(
        Object.keys(presets),
      ),
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
    .optionsGroup('The verdict:')
    .option('--max-loss <share>', 'requests that may fail, as 0.1% or 0.001', '0')
    .option('--max-p99 <duration>', 'p99 of answers while a replica stops; above it the drill has failed')
    .optionsGroup('The report:')
    .option('--compare <file>', 'an earlier result of --json, to put beside this one')
    .option('--title <text>', 'what heads the report (default: the name in package.json)')
    .option('--json', 'print the whole result as JSON; everything else goes to standard error')
    .option('--junit <file>', 'write a JUnit report, a test case for each shutdown')
    .option('--html <file>', 'write a report with charts, in one file')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', helpAfter)
    .action(async (command: readonly string[], flags: Flags) => process.exit(await run(command, flags)));
}

async function run(command: readonly string[], flags: Flags): Promise<number> {
  const interrupts = new Interrupts();
  // Without a listener, a reader that goes away ends the process with a stack.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', interrupts.onClosedPipe);
  const progress = new Progress(flags.json ? process.stderr : process.stdout);
  try {
    const options = await optionsOf(command, flags);
    const files = filesOf(flags);
    checkDifferent(files);
    for (const file of files) checkWritable(file);
    const before = flags.compare === undefined ? undefined : resultIn(flags.compare);
    progress.announce(options);
    const result = await drill({
      ...options,
      signal: interrupts.signal,
      onStep: (step) => progress.say(step),
      onTick: (atMs, counts) => progress.tick(atMs, counts),
    });
    progress.end();
    const failure = await report(result, flags, before);
    if (interrupts.number !== undefined && result.partial) return interrupted(interrupts.number);
    if (failure === undefined && !result.partial) return exitStatus[result.conclusion];
    return badInput(failure ?? result.partial!.reason);
  } catch (error) {
    progress.end();
    if (interrupts.number !== undefined) return interrupted(interrupts.number);
    if (!(error instanceof BadInputError || error instanceof RangeError)) throw error;
    return badInput(error.message);
  } finally {
    interrupts.end();
  }
}

async function interrupted(number: number): Promise<number> {
  await writeAll(process.stderr, 'nestjs-drain drill: interrupted; every process it had started has been ended.\n');
  return 128 + number;
}

async function badInput(message: string): Promise<number> {
  await writeAll(process.stderr, `nestjs-drain drill: ${message.replaceAll('\n', ' ')}\n`);
  return BAD_INPUT;
}

function filesOf({ junit, html }: Flags): readonly string[] {
  return [junit, html].filter((file) => file !== undefined);
}

/** The text first: no file that cannot be written costs the result. Resolves to what went wrong with one, in a line. */
async function report(
  result: DrillResult,
  { json, junit, html }: Flags,
  before: DrillResult | undefined,
): Promise<string | undefined> {
  await writeAll(json ? process.stderr : process.stdout, `\n${textOf(result, before)}`);
  if (json) await writeAll(process.stdout, jsonOf(result));
  try {
    if (junit) await write(junit, junitOf(result));
    if (html) await write(html, (await import('../drill/report/index.js')).htmlReport(result, { before }));
    return undefined;
  } catch (error) {
    if (error instanceof BadInputError) return error.message;
    throw error;
  }
}

async function write(file: string, content: string): Promise<void> {
  writeReport(file, content);
  await writeAll(process.stderr, `Written: ${file}\n`);
}
