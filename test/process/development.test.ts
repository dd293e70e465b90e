import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { endWithThisProcess } from '../../packages/tools/src/drill/children.js';
import { request } from '../support/raw-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { build } from './support/child.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const apps = process.env.DRAIN_APPS ?? `${root}test/process/apps`;
const watchers = ['node --watch', 'nest start --watch'] as const;

beforeAll(build);

const watched = new Set<Watched>();
afterEach(async () => {
  await Promise.all([...watched].map((each) => each.end()));
});

/** An application under a watcher. */
class Watched {
  output = '';
  private readonly entry = join(temporaryFolder(), 'main.mjs');
  private readonly process: ChildProcess;
  private onOutput = () => undefined as unknown;

  constructor(
    private readonly watcher: (typeof watchers)[number],
    readonly port: number,
    drain: object | false,
  ) {
    watched.add(this);
    this.write();
    const args = watcher === 'node --watch' ? ['--watch'] : [`${apps}/nest.mjs`, 'start', '--watch'];
    this.process = spawn(process.env.DRAIN_NODE ?? process.execPath, [...args, this.entry], {
      cwd: root,
      env: { ...process.env, KUBERNETES_SERVICE_HOST: undefined, PORT: String(port), DRAIN: JSON.stringify(drain) },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    endWithThisProcess(this.process);
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.onOutput();
      });
    }
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  save(): void {
    if (this.watcher === 'node --watch') this.write();
    else this.process.stdin!.write('save\n');
  }

  /** Resolves when `what` has been written `times` times. */
  async says(what: string, times = 1): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onOutput = () => this.output.split(what).length > times && resolve();
      this.onOutput();
    });
  }

  async end(): Promise<void> {
    watched.delete(this);
    if (this.watcher === 'nest start --watch') this.process.stdin!.write('end\n');
    else this.process.kill('SIGTERM');
    const ended = new Promise((resolve) => this.process.once('close', resolve));
    for (const pid of this.output.matchAll(/listening (\d+)/g)) {
      try {
        process.kill(Number(pid[1]), 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await ended;
  }

  private write(): void {
    writeFileSync(this.entry, `import ${JSON.stringify(pathToFileURL(`${apps}/developed.mjs`).href)};\n`);
  }
}

/** Starts it, lets a probe ask for readiness, and saves. Resolves with how long the restart takes, ms. */
async function restart(watcher: (typeof watchers)[number], drain: object | false, says = 'listening'): Promise<number> {
  const app = new Watched(watcher, await freePort(), drain);
  await app.says('listening');
  expect(await request(app.url('/ready'))).toMatchObject({ status: 200 });
  const slow = request(app.url('/slow'));
  slow.catch(() => undefined);
  await app.says('in hand');
  const savedAt = performance.now();
  app.save();
  await app.says(says, says === 'listening' ? 2 : 1);
  const ms = performance.now() - savedAt;
  if (says === 'listening') {
    expect(await slow).toMatchObject({ status: 200, body: { isAnswered: true } });
    expect(app.output).not.toContain('EADDRINUSE');
    expect(await request(app.url('/ready'))).toMatchObject({ status: 200 });
  }
  return ms;
}

describe('Under a watcher', () => {
  it.each(watchers)(
    '%s, a save restarts the application as fast as without the module, and in-flight work ends',
    async (watcher) => {
      const bare = await restart(watcher, false);
      const drained = await restart(watcher, { gracePeriodMs: 60_000, lameDuck: { minMs: 20_000, maxMs: 20_000 } });
      // A lame duck, which is left out here, would take its 20 s more; a busy machine takes some of that, too.
      expect(drained).toBeLessThan(bare + 10_000);
    },
  );

  it('a lame duck keeps the port from the next process where development is false', async () => {
    // Longer than the next process takes to start.
    const lameDuck = { minMs: 40_000, maxMs: 40_000 };
    await restart('nest start --watch', { development: false, gracePeriodMs: 60_000, lameDuck }, 'EADDRINUSE');
  });

  it('a lame duck keeps node --watch waiting where development is false', async () => {
    const ms = await restart('node --watch', { development: false, lameDuck: { minMs: 3_000, maxMs: 4_000 } });
    expect(ms).toBeGreaterThan(2_900);
  });
});
