import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endWithThisProcess, killGroup } from './children.js';
import { BadInputError } from './errors.js';

const keptOutput = 4_096;

export interface CommandRunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it, and what it has started in its process group. */
  readonly signal: AbortSignal;
}

/**
 * Runs a line of shell, and resolves when it has exited with 0. Rejects with a `BadInputError` that has the end of its
 * output when it exits otherwise.
 */
export async function runCommand(line: string, { cwd, env, signal }: CommandRunOptions): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('sh', ['-c', line], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  endWithThisProcess(child, 'SIGKILL', true);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-keptOutput)));
  const abort = (): void => void killGroup(child);
  signal.addEventListener('abort', abort);
  // Its end, and not that of its output: a daemon it has started may hold that open.
  const [code, by] = (await once(child, 'exit').finally(() => signal.removeEventListener('abort', abort))) as [
    number | null,
    NodeJS.Signals | null,
  ];
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  signal.throwIfAborted();
  if (code === 0) return;
  const said = output.trim().split('\n').at(-1)?.trim();
  throw new BadInputError(
    `'${line}' ended with ${by ?? `exit code ${code}`}${said ? `; it said: ${said.slice(0, 200)}` : '.'}`,
  );
}
