import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess } from '../../../src/drill/children.js';
import { type DrillResult } from '../../../src/drill/result.js';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const command = `${root}bin/nestjs-drain.mjs`;

/** Where the applications that are rolled live. */
export const apps = `${root}packages/tools/test/drill/apps`;

/** As short as a roll can be and still lose what there is to lose. */
export const shortRoll = ['--replicas=2', '--lag=400ms', '--warm-up=500ms', '--cool-down=300ms', '--rate=80'];

export interface Drilled {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** On a busy machine the drill itself is late, and replicas are slow: that is no finding about the service. */
const ofBusyMachines: readonly string[] = ['client-late', 'latency-in-rolls'];

const living = new Set<ChildProcess>();

/** The command as it is built, with these arguments. */
export function startCommand(args: readonly string[], { cwd = root, env = {} } = {}): ChildProcess {
  const child = spawn(process.execPath, [command, ...args], {
    cwd,
    env: { ...process.env, KUBERNETES_SERVICE_HOST: undefined, LEAVING_MS: '2500', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  // It ends its own children then.
  endWithThisProcess(child, 'SIGTERM');
  return child;
}

export async function runCommand(
  args: readonly string[],
  where: { cwd?: string; env?: object } = {},
): Promise<Drilled> {
  const child = startCommand(args, where);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const [code] = await closed;
  return { code, stdout, stderr };
}

/** Rolls an application and resolves to what was found. Rejects, with what was said, when there is no result. */
export async function runDrill(
  args: readonly string[],
  where: { cwd?: string; env?: object } = {},
): Promise<{ readonly code: number | null; readonly result: DrillResult; readonly codes: string[] }> {
  const { code, stdout, stderr } = await runCommand(['drill', '--json', ...args], where);
  if (stdout === '') throw new Error(`No result. It said:\n${stderr}`);
  const result = JSON.parse(stdout) as DrillResult;
  const codes = result.advice.map((advice) => advice.code).filter((each) => !ofBusyMachines.includes(each));
  return { code, result, codes };
}

/** Ends what a test has left running. */
export async function endCommands(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }),
  );
}

/** Runs so many at a time: each has processes of its own, and there may be two cores. */
export class Turns {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
