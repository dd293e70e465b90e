import { text } from 'node:stream/consumers';
import { Command, InvalidArgumentError } from 'commander';
import { DrainError, type GracefulShutdownOptions } from 'nestjs-drain';
import { optionsOfApp } from './app-options.js';
import { budgetOf } from './application.js';
import { BadInputError } from './bad-input.js';
import { examine } from './diagnose.js';
import { description, helpAfter, helpWidth } from './help.js';
import { besideOf, type Input, inputOf, usualInput } from './input.js';
import { asJson, asText, type Outcome, tally } from './print.js';

/** What the command touches of the world around it. */
export interface Surroundings {
  readonly cwd: string;
  readonly stdin: () => Promise<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly hasColour: boolean;
  /** Resolves when everything is written. */
  readonly flush: () => Promise<void>;
  /** Ends the process, which an application's module may hold open. */
  readonly exit: (code: number) => never;
}

interface Flags {
  readonly app?: string;
  readonly options?: string;
  readonly container?: string;
  readonly keepAliveMs?: number;
  readonly json?: boolean;
  readonly strict?: boolean;
}

interface AssumedOptions {
  /** None: the defaults. */
  readonly options?: GracefulShutdownOptions;
  readonly from: string;
  readonly hint?: string;
}

const name = 'nestjs-drain doctor';

/**
 * `nestjs-drain doctor`, to be added to a program. It ends the process: 0 when nothing was found, 1 for faults, 2 for a
 * wrong call, 3 when there is no fault in what was read, and something was not.
 */
export function doctorCommand(world: Surroundings = thisProcess): Command {
  return new Command('doctor')
    .summary('finds what in manifests, a Dockerfile or PM2 makes a shutdown lose requests')
    .description(description)
    .argument('[files...]', "files of the formats below; folders of them; '-' is standard input")
    .option('--app <file>', "the built root module, to read the module's options from, such as dist/app.module.js")
    .option('--options <json>', "the module's options, as forRoot() takes them, such as '{\"drainTimeoutMs\":20000}'")
    .option('--container <name>', 'look at containers of this name alone')
    .option('--keep-alive-ms <ms>', "the application's server.keepAliveTimeout", milliseconds)
    .option('--json', 'print findings as JSON')
    .option('--strict', 'let doubts count as faults')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', helpAfter)
    .configureOutput({
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      writeOut: world.out,
      writeErr: world.err,
      outputError: (message, write) => write(message.replace(/^error: /, `${name}: `).replace(/\n(?=.)/g, ' ')),
    })
    .exitOverride(({ exitCode }) => world.exit(exitCode === 0 ? 0 : 2))
    .action(async (files: readonly string[], flags: Flags) => {
      const code = await run(files, flags, world).catch((error: unknown) => {
        world.err(`${name}: ${complaint(error)}\n`);
        return 2;
      });
      await world.flush();
      world.exit(code);
    });
}

async function run(files: readonly string[], flags: Flags, world: Surroundings): Promise<number> {
  const { options, from, hint } = await assumedOptions(flags, world.cwd);
  const { sources, skipped } = await read(files, world);
  const { container, keepAliveMs } = flags;
  const diagnosis = examine(sources, { shutdown: options, container, keepAliveMs }, besideOf(world.cwd));
  const { findings, notes } = diagnosis;
  const notChecked = [...skipped, ...diagnosis.notChecked];
  const outcome: Outcome = {
    findings,
    files: sources.map((source) => source.name),
    notes,
    notChecked,
    budget: budgetOf(options),
    optionsFrom: from,
    optionsHint: hint,
  };
  world.out(flags.json ? asJson(outcome) : asText(outcome, world.hasColour));
  const { faults, doubts } = tally(findings);
  if (faults > 0 || (flags.strict && doubts > 0)) return 1;
  return notChecked.length > 0 ? 3 : 0;
}

async function read(files: readonly string[], world: Surroundings): Promise<Input> {
  return files.length > 0 ? inputOf(files, world.cwd, world.stdin) : usualInput(world.cwd);
}

async function assumedOptions({ app, options }: Flags, cwd: string): Promise<AssumedOptions> {
  if (options !== undefined) return { options: parseOptions(options), from: 'those of --options' };
  const defaults = { from: 'the defaults, assumed', hint: '--app or --options tells yours' };
  if (app === undefined) return defaults;
  const found = await optionsOfApp(app, cwd);
  if ('options' in found) return { options: found.options, from: `those of ${app}` };
  return { ...defaults, from: `the defaults, assumed, for ${found.why}`, hint: '--options tells yours' };
}

function parseOptions(json: string): GracefulShutdownOptions {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    throw new BadInputError(
      '--options',
      `Expected JSON, such as '{"drainTimeoutMs":20000}', got ${json}. Mind the quotes.`,
    );
  }
  budgetOf(given as GracefulShutdownOptions);
  return given as GracefulShutdownOptions;
}

function milliseconds(given: string): number {
  if (/^\d+$/.test(given)) return Number(given);
  throw new InvalidArgumentError('Expected whole milliseconds, such as 65000.');
}

/** One line, whatever was thrown. */
function complaint(error: unknown): string {
  if (error instanceof BadInputError) return error.message;
  if (error instanceof DrainError)
    return `--options: ${error.message.replace('GracefulShutdownModule: expected', 'Expected')}`;
  const why = error instanceof Error ? error.message : String(error);
  return `Something unexpected: ${why.split('\n')[0]!}. Please report it, with the input.`;
}

const thisProcess: Surroundings = {
  get cwd() {
    return process.cwd();
  },
  stdin: () => text(process.stdin),
  out: (line) => {
    process.stdout.on('error', () => {}); // a reader that has had enough (`| head`) is no error
    process.stdout.write(line);
  },
  err: (line) => void process.stderr.write(line),
  get hasColour() {
    return process.stdout.isTTY === true && !process.env.NO_COLOR;
  },
  flush: () => new Promise((resolve) => process.stdout.write('', () => resolve())),
  exit: (code) => process.exit(code),
};
