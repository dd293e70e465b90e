import { type ShellKind } from './step.js';

/** What `sh` is depends on the image. */
export const shells: Readonly<Record<string, ShellKind | 'sh'>> = {
  sh: 'sh',
  bash: 'bash',
  ash: 'busybox',
  dash: 'dash',
  zsh: 'bash',
  ksh: 'dash',
};
/** They run the application below themselves, and end it in their own way. */
export const developmentRunners = ['nodemon', 'ts-node-dev', 'tsnd', 'nest', 'nest.js', 'swc-node'];
/** They become node, or pass SIGTERM on and wait: they are slow to start, and lose nothing. */
export const sourceRunners = [
  'tsx',
  'esno',
  'ts-node',
  'ts-node-script',
  'ts-node-transpile-only',
  'ts-node-esm',
  'vite-node',
];
export const whyWatch = 'it starts the application anew whenever a file changes';
export const scriptRunners = ['npm-run-all', 'npm-run-all2', 'run-s', 'run-p'];
/** They run several programs, or again and again. */
export const processManagers = [
  'pm2',
  'pm2-runtime',
  'pm2-docker',
  'pm2-dev',
  'supervisord',
  'forever',
  'foreman',
  'nf',
  'honcho',
  'concurrently',
  'turbo',
  'nx',
  'lerna',
  's6-svscan',
  'runsvdir',
  'init',
  'make',
  'just',
  'task',
];
/** Flags of node that are followed by their value. */
export const valueFlags = [
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--title',
];
