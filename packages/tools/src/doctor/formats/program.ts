import { basename } from 'node:path';
import { readProgram } from '../read/program.js';
import { type Format } from './format.js';

export const program: Format = {
  id: 'program',
  title: 'Program of Nest',
  files: 'main.ts, or another .ts or .js that makes an application, a microservice or a worker',
  usual: ['src/main.ts'],
  recognises: ({ name, text }) =>
    /\.[cm]?[jt]s$/.test(name) &&
    (/^main\.[cm]?[jt]s$/.test(basename(name)) ||
      /\bNestFactory\b|\b(create|connect)Microservice\b|from ['"](bullmq|pg-boss)['"]/.test(text)),
  read: (file) => ({ programs: [readProgram(file)] }),
};
