import { basename } from 'node:path';
import { usualGracePeriodMs } from 'nestjs-drain';
import { type Workload } from '../model.js';
import { wordsForBash } from '../read/command-line.js';
import { type Format } from './format.js';

/** What Heroku waits from SIGTERM to SIGKILL, always. */
const graceMs = usualGracePeriodMs('Heroku');

export const procfile: Format = {
  id: 'procfile',
  title: 'Procfile, as Heroku runs it',
  files: 'Procfile',
  usual: ['Procfile'],
  recognises: ({ name }) => /^Procfile(\.\w+)?$/.test(basename(name)),
  read: ({ name: file, text }) => ({
    workloads: text.split(/\r?\n/).flatMap((line, at) => {
      const [, process, command] = /^\s*([\w-]+)\s*:\s*(\S.*?)\s*$/.exec(line) ?? [];
      return process === undefined ? [] : [workloadOf(process, command!, { file, line: at + 1 })];
    }),
  }),
};

function workloadOf(name: string, command: string, at: Workload['at']): Workload {
  return {
    kind: 'Procfile process',
    name,
    at,
    containers: [
      {
        name: '',
        at,
        start: { at, entrypoint: wordsForBash(command), exec: (words) => `${name}: ${words.join(' ')}` },
        ports: [],
        env: new Map(),
      },
    ],
    others: [],
    runsToAnEnd: name === 'release',
    isServing: name === 'web' || undefined,
    grace: { ms: { value: graceMs, at }, ruledBy: 'Heroku', isAssumed: true },
    stopSignal: { value: 'SIGTERM', at },
    signalled: 'unsure',
  };
}
