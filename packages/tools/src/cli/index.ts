import { Command, CommanderError } from 'commander';
import { doctorCommand } from '../doctor/command.js';
import { drillCommand } from './drill-command.js';
import { BAD_INPUT, helpWidth } from './conventions.js';

/**
 * Runs the command `nestjs-drain`, with the arguments of this process.
 *
 * @param version what `--version` prints: that of the package whose command this is
 */
export async function run(version: string): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  try {
    await program(version).parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : BAD_INPUT;
  }
}

/** A reader that has seen enough, such as `head`, is no error. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

const program = (version: string): Command =>
  new Command('nestjs-drain')
    .description(
      'Stops a NestJS application without losing a request. These commands look at an application, ' +
        'or at how it is deployed, from outside: they need neither NestJS nor this package in it.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ getOutHelpWidth: helpWidth, getErrHelpWidth: helpWidth })
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .addCommand(drillCommand())
    .addCommand(doctorCommand())
    .addHelpText(
      'after',
      `
Examples:
  Does this service lose requests when it is rolled?
    $ npx nestjs-drain drill --request 'GET /orders' -- node dist/main.js

  What in the manifests makes it lose them?
    $ npx nestjs-drain doctor k8s/ Dockerfile

Exit status:
  0  all is well
  1  requests were lost, or faults were found
  2  bad input: one line on standard error says what
  3  nothing was found, and not enough was understood, or asked, to say so

Each command has a help of its own: npx nestjs-drain help drill`,
    );
