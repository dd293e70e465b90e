import { Command, CommanderError } from 'commander';
import { doctorCommand } from '../doctor/command.js';
import { drillCommand } from './drill-command.js';
import { BAD_INPUT, helpWidth } from './conventions.js';

/** The version of the package; the build puts it in. */
declare const NESTJS_DRAIN_VERSION: string;

const program = new Command('nestjs-drain')
  .description(
    'Stops a NestJS application without losing a request. These commands look at an application, or at how it is deployed, from outside: they need neither NestJS nor this package in it.',
  )
  .version(NESTJS_DRAIN_VERSION, '-V, --version', 'print the version')
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

Each command has a help of its own: npx nestjs-drain help drill`,
  );

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : BAD_INPUT;
  else throw error;
});
