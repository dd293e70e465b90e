import { parseArgs } from 'node:util';
import { logicalFolder } from './release.js';
import { controlPath } from './control-path.js';
import { giveOrder, type Order } from './control-socket.js';
import { serve } from './group.js';
import { serveOptions } from './serve-options.js';
import { UsageError, wholeNumber } from './usage.js';

const usage = `Usage:
  nestjs-drain serve [options] -- node dist/main.js
  nestjs-drain reload | status | stop | scale <workers>
                                     [--control <path>] [--cwd <folder>]

Options of serve:
  --workers <n|max>       how many processes (max: one for each core)
  --ready <path|message>  ready when this path answers 2xx, or by
                          process.send('ready'); else when it listens
  --ready-timeout <time>  a worker not ready by then has failed (30s)
  --probation <time>      a new version must live so long before clients
                          reach it (2s)
  --grace <time>          from SIGTERM to SIGKILL of a worker (what the
                          platform grants, less 1s)
  --hang-limit <time>     a worker that is silent for so long is replaced;
                          0s: never (15s)
  --balance <round-robin|shared>
  --control <path>        where reload, status, stop and scale reach it
  --cwd <folder>          the workers' folder; links in it are followed
                          anew at each reload
  --watch-release <link>  reload when this link is moved
  --status-port <port>    tell status and metrics on 127.0.0.1
  --no-log-prefix         leave the workers' lines as they are
`;

/**
 * Runs one of the commands of the supervisor. Resolves with the exit code: 0; 1 when it was not done, with one line on
 * stderr; 2 when it was not understood.
 *
 * @param preload the file that workers load first
 */
export async function run([command, ...args]: readonly string[], preload: string): Promise<number> {
  try {
    if (args.includes('--help') && !args.includes('--')) {
      process.stdout.write(usage);
      return 0;
    }
    return command === 'serve'
      ? await serve(serveOptions(args), preload)
      : await order(command as Order['order'], args);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof UsageError) && !code?.startsWith('ERR_PARSE_ARGS')) throw error;
    process.stderr.write(`nestjs-drain ${command}: ${(error as Error).message}\n`);
    return 2;
  }
}

async function order(order: Order['order'], args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { control: { type: 'string' }, cwd: { type: 'string' } },
    allowPositionals: order === 'scale',
  });
  const workers = order === 'scale' ? wholeNumber('the number of workers', positionals[0] ?? '', 1, 1_000) : undefined;
  const path = controlPath(values.control, values.cwd ?? logicalFolder());
  const { isDone, summary } = await giveOrder(path, { order, workers });
  (isDone ? process.stdout : process.stderr).write(`${summary}\n`);
  return isDone ? 0 : 1;
}
