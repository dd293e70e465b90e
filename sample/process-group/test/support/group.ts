import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// Not published: the port is chosen as the repository does.
import { freePort } from '../../../../packages/tools/dist/esm/drill/free-port.js';

const sample = fileURLToPath(new URL('../../', import.meta.url));
const unit = readFileSync(join(sample, 'deploy/orders.service'), 'utf8');
const running = new Set<Group>();

/** Ends what a test has left running. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((group) => group.remove()));
}

/** What is said of the service under this name. */
export function unitValue(name: string): string {
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
  if (value === undefined) throw new Error(`deploy/orders.service has no ${name}.`);
  return value;
}

/** The service of `deploy/orders.service`, with a home of its own instead of /srv/orders, and without systemd. */
export class Group {
  readonly home = mkdtempSync(join(tmpdir(), 'orders-'));
  port = 0;
  private child?: ChildProcess;
  private output = '';

  constructor() {
    running.add(this);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The release that `current` points to. */
  get current(): string {
    return readlinkSync(join(this.home, 'current'));
  }

  /** The ids of all orders that were written. */
  get orders(): readonly string[] {
    const lines = readFileSync(join(this.home, 'orders.jsonl'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => (JSON.parse(line) as { id: string }).id);
  }

  /**
   * Runs `deploy/deploy.sh` with a build of this sample.
   *
   * @param main what takes the place of its `dist/main.js`
   */
  async deploy(main?: string): Promise<{ code: number; output: string }> {
    const build = join(this.home, 'build');
    mkdirSync(build);
    cpSync(join(sample, 'dist'), join(build, 'dist'), { recursive: true });
    cpSync(join(sample, 'package.json'), join(build, 'package.json'));
    symlinkSync(join(sample, 'node_modules'), join(build, 'node_modules'));
    if (main !== undefined) {
      renameSync(join(build, 'dist/main.js'), join(build, 'dist/good.js'));
      writeFileSync(join(build, 'dist/main.js'), main);
    }
    const outcome = await new Promise<{ code: number; output: string }>((resolve) => {
      execFile(join(sample, 'deploy/deploy.sh'), [build, this.home], (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
      });
    });
    rmSync(build, { recursive: true });
    return outcome;
  }

  /**
   * Runs what the unit says. Resolves when all workers serve.
   *
   * @param more options of `serve` that the unit does not have
   */
  async start(more = ''): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const here = (text: string) => text.replaceAll('/srv/orders', this.home);
    const environment = here(unitValue('Environment'))
      .replace(/PORT=\d+/, `PORT=${this.port} HOST=127.0.0.1`)
      .split(' ');
    const command = here(unitValue('ExecStart')).replace('--workers max', '--workers 2').replace(' -- ', `${more} -- `);
    await this.run(command.split(' '), Object.fromEntries(environment.map((each) => each.split('=', 2))), this.home);
  }

  /** Runs the command of an image, in the folder of the current release. Resolves when all workers serve. */
  async runAs(command: readonly string[]): Promise<void> {
    this.port = await freePort();
    const environment = { PORT: String(this.port), HOST: '127.0.0.1', ORDERS_FILE: join(this.home, 'orders.jsonl') };
    await this.run(command, environment, join(this.home, this.current));
  }

  /** Runs a command. Resolves when all workers serve. */
  private async run([file, ...args]: readonly string[], environment: NodeJS.ProcessEnv, cwd: string): Promise<void> {
    const env = { ...process.env, KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1', ...environment };
    const child = spawn(file!, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.output = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          this.output += text;
          if (/workers serve/.test(this.output)) resolve();
        });
      }
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`It ended before it served:\n${this.output}`)));
    });
  }

  /** Sends SIGTERM. Resolves with how it ended. */
  async stop(): Promise<number | NodeJS.Signals> {
    const child = this.child!;
    const ended = new Promise<number | NodeJS.Signals>((resolve) =>
      child.once('exit', (code, signal) => resolve(code ?? signal!)),
    );
    child.kill('SIGTERM');
    return ended;
  }

  /**
   * Which release answers, and in which processes: each of many new connections, one after the other. Of those that come
   * at once, a worker that takes more slowly gets fewer.
   */
  async serving(): Promise<{ releases: string[]; pids: number[] }> {
    const answers: { release: string; pid: number }[] = [];
    while (answers.length < 20) {
      const response = await fetch(`${this.url}/health/release`, { headers: { connection: 'close' } });
      answers.push((await response.json()) as { release: string; pid: number });
    }
    const unique = <T>(values: readonly T[]): T[] => [...new Set(values)].sort();
    return { releases: unique(answers.map(({ release }) => release)), pids: unique(answers.map(({ pid }) => pid)) };
  }

  async remove(): Promise<void> {
    running.delete(this);
    const child = this.child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}
