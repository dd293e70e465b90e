import { formats } from './formats/index.js';
import { rules } from './rules/index.js';

/** Commander wraps it. */
export const description = [
  'Reads what starts and stops an application, and says what makes a shutdown lose requests: ' +
    'with the object, the line, and what to write instead.',
  'All files are read together. Nothing is changed, and no cluster is asked. Without files it looks for the usual ' +
    'ones here, and in ./k8s, ./kubernetes, ./deploy and ./manifests. Standard input is read where - is given.',
  'A fault loses requests, or gets the process killed. A doubt may: the files alone cannot tell. What was not ' +
    "understood is named as 'Not checked'.",
].join('\n\n');

const options = `
Module options:
  The sums need drainTimeoutMs, lameDuck, hookTimeoutMs and gracePeriodMs; hooks
  count as one that runs into its timeout.
  --options gives them. --app reads them from the built root module, which is
  imported by a process of its own and not started; those of forRootAsync() are
  made at bootstrap, and cannot be known. Otherwise the defaults are assumed.
  The last line says which.

  The keep-alive time is that of --keep-alive-ms, or else of KEEP_ALIVE_MS or
  KEEP_ALIVE_TIMEOUT (both in ms) in the container's environment.`;

const examples = `
Examples:
  Look at this project:
    $ npx nestjs-drain doctor

  Look at what will be applied, with the application's own options:
    $ kubectl kustomize overlays/production |
        npx nestjs-drain doctor --app dist/app.module.js - Dockerfile
    $ helm template charts/orders |
        npx nestjs-drain doctor --options '{"drainTimeoutMs":5000}' -

  Fail a build on doubts, too:
    $ npx nestjs-drain doctor --strict k8s/ Dockerfile

  Behind a balancer that keeps idle connections for 60 s:
    $ npx nestjs-drain doctor --keep-alive-ms 75000 k8s/`;

const exitStatus = `
Exit status:
  0  no fault (with --strict: and no doubt)
  1  faults were found
  2  a wrong call: one line on standard error says what is wrong
  3  no fault in what was read, but something was not checked`;

/** However wide the terminal is: lines longer than this are tiring to read. */
export const helpWidth = 80;

/** What stands below the options. */
export function helpAfter(): string {
  const read = formats.map(({ title, files }) => hang('  ', `${title}: ${files}`, '    '));
  const widest = Math.max(...rules.map(({ id }) => id.length));
  const listed = rules.map(({ id, severity, title }) => hang(`  ${id.padEnd(widest)}  ${severity}  `, title));
  return [
    options,
    ['', 'What it reads:', ...read].join('\n'),
    ['', 'What it looks for:', ...listed].join('\n'),
    examples,
    exitStatus,
  ].join('\n');
}

/** A text beside its head, in lines of `helpWidth`. */
function hang(head: string, text: string, indent = ' '.repeat(head.length)): string {
  const lines = [head];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > helpWidth) lines.push(indent);
    lines[lines.length - 1] += `${word} `;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}
