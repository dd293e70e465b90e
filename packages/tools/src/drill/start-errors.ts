import { BadInputError } from './errors.js';
import { ReplicaStartError } from './replica.js';

export interface StartFacts {
  readonly command: readonly string[];
  readonly readinessPath: string;
  readonly portEnv: string;
  readonly startTimeoutMs: number;
  /** Ports the replica listens on instead of its own. */
  readonly otherPorts: readonly number[];
}

/** Why a replica did not start, in one line; any other error as it is. */
export function inOneLine(error: unknown, facts: StartFacts): unknown {
  if (!(error instanceof ReplicaStartError)) return error;
  return new BadInputError(sentenceOf(error, facts), { cause: error });
}

function sentenceOf(error: ReplicaStartError, facts: StartFacts): string {
  const { command, readinessPath, portEnv, startTimeoutMs, otherPorts } = facts;
  const lastLine = error.output.trim().split('\n').at(-1)?.trim() ?? '';
  if (error.reason === 'not-run') return `'${command.join(' ')}' cannot be run: ${lastLine}.`;
  if (error.output.includes('EADDRINUSE')) {
    const taken = /EADDRINUSE[^\n]*?:(\d+)/.exec(error.output)?.[1];
    return (
      `${error.replica} found port ${taken ?? '(unknown)'} taken: it must listen on the port in ` +
      `${portEnv} (${error.port}); name another variable with --port-env.`
    );
  }
  if (error.reason === 'exited') {
    return (
      `${error.replica} exited with ${error.exitCode ?? 'a signal'} before ${readinessPath} ` +
      `answered 200${said(error.output)}.`
    );
  }
  if (readinessPath.startsWith('output:')) {
    const text = readinessPath.slice('output:'.length);
    return `${error.replica} did not print '${text}' within ${startTimeoutMs / 1_000} s${said(error.output)}.`;
  }
  const waited =
    `${error.replica} did not answer 200 at http://127.0.0.1:${error.port}${readinessPath} ` +
    `within ${startTimeoutMs / 1_000} s`;
  if (error.lastStatus !== undefined)
    return `${waited}: it answered ${error.lastStatus}. Name its readiness path with --ready.`;
  if (otherPorts.length > 0) {
    return (
      `${waited}: it listens on ${otherPorts.join(', ')}, not on the port in ${portEnv}; name ` +
      'another variable with --port-env.'
    );
  }
  return `${waited}: nothing listens there${said(error.output)}.`;
}

/** The line of an output that says most: an error's own, or the last. */
function said(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const line =
    lines.find((each) => /^\w*Error\b/.test(each)) ??
    lines.filter(Boolean).findLast((each) => !/^(at |Node\.js v)/.test(each));
  return line ? `; it said: ${line.slice(0, 200)}` : '';
}
