import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { type ShutdownReport } from '../../src/index.js';
import { blocksOf, writeExamples } from '../support/documents.js';
import { type Answer, request } from '../support/raw-client.js';
import { Child, endAll } from './support/child.js';
import { freePort } from '../../packages/tools/src/drill/free-port.js';

const root = resolve('.');
const folder = join(root, '.cache', 'readme');
const built = (page: string) => join(folder, 'dist', page, 'src');

/** What `apps/examples.mjs` tells. */
interface Run {
  readonly names: readonly string[];
  readonly printed: readonly string[];
  readonly ended: readonly string[];
  readonly refused: readonly boolean[];
  readonly report: ShutdownReport;
}

/**
 * Writes the applications that README and docs describe, and compiles them against the built packages, as their users
 * do.
 */
function build(): string[] {
  const pages = writeExamples(folder);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'nestjs-drain'));
  symlinkSync(join(root, 'packages', 'tools'), join(folder, 'node_modules', 'nestjs-drain-tools'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: '.',
    outDir: 'dist',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*/src'] }));
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' });
  return pages;
}

async function runAll(pages: readonly string[]): Promise<Record<string, Run>> {
  const script = join(root, 'test/process/apps/examples.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, join(folder, 'dist'), ...pages]);
  return JSON.parse(stdout) as Record<string, Run>;
}

/** Resolves when the application answers. Nest says that it has started just before it listens. */
async function answering(child: ChildProcess, url: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    child.stdout!.on('data', (text: Buffer) => text.includes('successfully started') && done());
    child.once('exit', () => fail(new Error('The quick start ended by itself.')));
  });
  while (!(await request(url).catch(() => undefined))) await new Promise((done) => setImmediate(done));
}

describe('The examples of README and docs', () => {
  let runs: Record<string, Run>;

  beforeAll(async () => {
    runs = await runAll(build());
  }, 120_000);

  it('have a quick start that runs and stops', async () => {
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), KUBERNETES_SERVICE_HOST: undefined };
    const child = spawn(process.execPath, [join(built('quick-start'), 'main.js')], { cwd: folder, env });
    try {
      const live = `http://127.0.0.1:${port}/health/live`;
      await answering(child, live);
      expect(await request(live)).toMatchObject({ status: 200 });
      // Nobody has asked for readiness, so there is no lame duck.
      const ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
      child.kill('SIGTERM');
      expect(await ended).toEqual({ code: null, signal: 'SIGTERM' });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('run, and are drained', () => {
    expect(Object.keys(runs).length).toBeGreaterThan(10);
    for (const [page, { report }] of Object.entries(runs))
      expect({ page, ...report }).toMatchObject({ page, clean: true });
  });

  it('have a hook in the README that runs', () => {
    const { names, report } = runs['quick-start']!;
    expect(names).toEqual(['HealthController', 'Newsletter']);
    expect(report.hooks.map(({ name }) => name)).toContain('Newsletter.flush');
  });

  it('have a queue whose jobs are waited for, and which then refuses more', () => {
    expect(runs['tracking-work']).toMatchObject({ ended: ['job of jobs', 'drain'], refused: [true] });
  });

  it('have a budget that says what its comment says', () => {
    expect(runs.options!.printed).toEqual(['28000 of 30000 ms: fits']);
  });

  describe('have a preStop', () => {
    const env = { PRE_STOP_TOKEN: 'secret' };
    const controller = join(built('kubernetes'), 'pre-stop.controller.js');

    /** An application with that controller, and a request in flight. */
    async function serving(): Promise<{ readonly child: Child; readonly held: Promise<Answer> }> {
      const child = await Child.start('pre-stop', { controller, env });
      const held = request(child.url('/held'));
      await child.until('held');
      return { child, held };
    }

    afterEach(endAll);

    it('that begins the shutdown, and is answered when it has been drained', async () => {
      const { child, held } = await serving();
      const hook = request(child.url('/pre-stop'), { headers: { 'x-pre-stop-token': 'secret' } });
      const answered: string[] = [];
      void held.then(() => answered.push('held'));
      void hook.then(() => answered.push('hook'));
      await child.entered('draining');
      // Kubernetes sends it only when the hook has ended; nothing depends on that.
      child.signal('SIGTERM');
      child.say('release');
      expect(await held).toMatchObject({ status: 200 });
      expect(await hook).toMatchObject({ status: 200, text: 'drained' });
      expect(answered).toEqual(['held', 'hook']);
      expect(await child.report()).toMatchObject({ reason: 'signal SIGTERM', clean: true });
      expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
    });

    it('whose command waits as long, and finds nothing wrong with a process that is gone', async () => {
      const { child, held } = await serving();
      const block = blocksOf('docs/kubernetes.md').find(({ code }) => code.startsWith('lifecycle:'))!;
      const { lifecycle } = parse(block.code) as { lifecycle: { preStop: { exec: { command: string[] } } } };
      const [, ...args] = lifecycle.preStop.exec.command;
      const options = { env: { ...process.env, ...env, PORT: String(child.port()) } };
      let hasEnded = false;
      const hook = promisify(execFile)(process.execPath, args, options).then(() => (hasEnded = true));
      await child.entered('draining');
      expect(hasEnded).toBe(false);
      child.say('release');
      expect(await held).toMatchObject({ status: 200 });
      await hook;
      expect(await child.ended).toMatchObject({ end: 'SIGTERM' });
      await promisify(execFile)(process.execPath, args, options);
    });

    it('that answers before the drain has ended: one that waits for it would hold it to its deadline', async () => {
      const child = await Child.start('pre-stop', { drain: { drainTimeoutMs: 500 } });
      await expect(request(child.url('/pre-stop'))).rejects.toThrow('socket hang up');
      expect(await child.report()).toMatchObject({ outcome: 'timed-out' });
    });

    it('that is refused without the token', async () => {
      const { child, held } = await serving();
      expect(await request(child.url('/pre-stop'))).toMatchObject({ status: 403 });
      expect(child.hasTold('phase')).toBe(false);
      child.say('release');
      expect(await held).toMatchObject({ status: 200 });
    });
  });

  it('have a test that passes in Jest', async () => {
    const jest = ['--experimental-vm-modules', join(root, 'node_modules/jest/bin/jest.js')];
    const config = {
      rootDir: built('testing'),
      testMatch: ['**/*.spec.js'],
      transform: {},
      haste: { enableSymlinks: false },
    };
    const { stderr } = await promisify(execFile)(process.execPath, [...jest, '--config', JSON.stringify(config)], {
      cwd: folder,
    });
    expect(stderr).toContain('1 passed');
  });
});
