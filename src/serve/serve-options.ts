import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { recognise } from '../platform/platforms.js';
import { controlPath } from './control-path.js';
import { type Balance } from './listening-sockets.js';
import { type Readiness } from './readiness-check.js';
import { logicalFolder, type ReleaseSource } from './release.js';
import { durationMs, UsageError, wholeNumber } from './usage.js';

/** What `nestjs-drain serve` is told. */
export interface ServeOptions {
  readonly workers: number;
  readonly readiness: Readiness;
  readonly readyWithinMs: number;
  readonly probationMs: number;
  readonly graceMs: number;
  /** A worker that is silent for so long hangs; 0 where nobody looks. */
  readonly hangLimitMs: number;
  readonly balance: Balance;
  readonly control: string;
  readonly source: ReleaseSource;
  /** A link: whenever it is moved, the group reloads. */
  readonly watched?: string;
  /** Where the state is told, on the loopback interface. */
  readonly statusPort?: number;
  /** The lines of workers get their number in front. */
  readonly prefixesLines: boolean;
}

/** What is left of the platform's time for the supervisor's own end, ms. */
const ownEndMs = 1_000;

const config = {
  options: {
    workers: { type: 'string', default: 'max' },
    ready: { type: 'string' },
    'ready-timeout': { type: 'string', default: '30s' },
    probation: { type: 'string', default: '2s' },
    grace: { type: 'string' },
    'hang-limit': { type: 'string', default: '15s' },
    balance: { type: 'string', default: 'round-robin' },
    control: { type: 'string' },
    cwd: { type: 'string' },
    'watch-release': { type: 'string' },
    'status-port': { type: 'string' },
    'no-log-prefix': { type: 'boolean', default: false },
  },
  allowPositionals: false,
} as const satisfies ParseArgsConfig;

/** @throws UsageError when something is not as it should be */
export function serveOptions(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): ServeOptions {
  const split = args.indexOf('--');
  const [own, [command, ...commandArgs]] = split < 0 ? [args, []] : [args.slice(0, split), args.slice(split + 1)];
  const { values } = parseArgs({ ...config, args: [...own] });
  if (command === undefined) {
    throw new UsageError('Expected a command after --, got none. Give it: nestjs-drain serve -- node dist/main.js');
  }
  if (/^(npm|npx|yarn|pnpm|bun)$/.test(basename(command))) {
    throw new UsageError(`Expected node itself after --, got ${command}, which no signal gets through. Start node.`);
  }
  const isScript = /\.[cm]?js$/.test(command);
  const source = {
    folder: values.cwd === undefined ? logicalFolder(environment) : resolve(values.cwd),
    command: isScript || command === 'node' ? process.execPath : command,
    args: isScript ? [command, ...commandArgs] : commandArgs,
  };
  return {
    workers: values.workers === 'max' ? availableParallelism() : wholeNumber('--workers', values.workers, 1, 1_000),
    readiness: readinessOf(values.ready),
    readyWithinMs: durationMs('--ready-timeout', values['ready-timeout'], 1),
    probationMs: durationMs('--probation', values.probation),
    graceMs: values.grace === undefined ? graceMs(environment) : durationMs('--grace', values.grace, 1),
    hangLimitMs: durationMs('--hang-limit', values['hang-limit']),
    balance: balanceOf(values.balance),
    control: controlPath(values.control, source.folder, environment),
    source,
    watched: values['watch-release'] === undefined ? undefined : resolve(values['watch-release']),
    statusPort:
      values['status-port'] === undefined ? undefined : wholeNumber('--status-port', values['status-port'], 0, 65_535),
    prefixesLines: !values['no-log-prefix'],
  };
}

function readinessOf(value: string | undefined): Readiness {
  if (value === undefined) return 'listening';
  if (value === 'message') return value;
  if (value.startsWith('/')) return { path: value };
  throw new UsageError(`Expected --ready to be a path or the word message, got ${value}. Give it as /health/ready.`);
}

function balanceOf(value: string): Balance {
  if (value === 'round-robin' || value === 'shared') return value;
  throw new UsageError(`Expected --balance to be round-robin or shared, got ${value}. Give one of them.`);
}

/** What the platform grants, less what it takes to end after the last worker. */
function graceMs(environment: NodeJS.ProcessEnv): number {
  const { gracePeriodMs } = recognise({ environment, pid: process.pid, parentPid: process.ppid });
  return gracePeriodMs - ownEndMs;
}
