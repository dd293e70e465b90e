import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const pm2 = createRequire(import.meta.url).resolve('pm2/bin/pm2');
const node = process.env.DRAIN_NODE ?? process.execPath;
const worker = fileURLToPath(new URL('../apps/group-worker.mjs', import.meta.url));

/** PM2 with a daemon, and a home, of its own: it meets nothing else that PM2 runs here. */
export class Pm2 {
  private readonly file: string;

  /** @param options what its configuration says of the application, beside where it is */
  constructor(
    private readonly home: string,
    settings: object,
    options: object,
  ) {
    this.file = `${home}/ecosystem.config.cjs`;
    const app = {
      name: 'orders',
      script: worker,
      exec_mode: 'cluster',
      instances: 4,
      // PM2 stops the old process after 3 s whether the new one listens or not: a busy machine takes longer to start it.
      listen_timeout: 20_000,
      env: { DRAIN_SETTINGS: JSON.stringify(settings) },
      ...options,
    };
    writeFileSync(this.file, `module.exports = ${JSON.stringify({ apps: [app] })};\n`);
  }

  start(): Promise<string> {
    return this.run('start', this.file);
  }

  /** Replaces all processes, one by one. */
  reload(): Promise<string> {
    return this.run('reload', this.file);
  }

  /** Ends the daemon, and what it runs. */
  kill(): Promise<string> {
    return this.run('kill');
  }

  private async run(...args: string[]): Promise<string> {
    const env = { ...process.env, PM2_HOME: this.home, KUBERNETES_SERVICE_HOST: undefined, NO_COLOR: '1' };
    const { stdout } = await promisify(execFile)(node, [pm2, ...args], { env, timeout: 180_000 });
    return stdout;
  }
}
