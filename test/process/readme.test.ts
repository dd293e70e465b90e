import { describe, expect, it } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { request } from '../support/raw-client.js';

const root = resolve('.');
const folder = join(root, '.cache', 'readme');

/** The TypeScript blocks of the README, by the file name in their first line. */
function blocks(): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, code = ''] of readFileSync('README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)) {
    const name = /^\/\/ (src\/\S+)/.exec(code)?.[1];
    if (!name) throw new Error(`A block of the README does not name its file:\n${code}`);
    found.set(name, code);
  }
  return found;
}

/** Writes the application that the README describes, and compiles it against the built package. */
function build(): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, code] of blocks()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), code);
  }
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'nestjs-drain'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' });
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

/** Resolves when the application answers. Nest says that it has started just before it listens. */
async function answering(child: ChildProcess, url: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    child.stdout!.on('data', (text: Buffer) => text.includes('successfully started') && done());
    child.once('exit', () => fail(new Error('The quick start ended by itself.')));
  });
  while (!(await request(url).catch(() => undefined))) await new Promise((done) => setImmediate(done));
}

describe('The README', () => {
  it('has examples that compile, and a quick start that runs and stops', async () => {
    if (!existsSync('dist/index.js')) execFileSync('npm', ['run', 'build'], { stdio: 'pipe' });
    build();

    const port = await freePort();
    const env = { ...process.env, PORT: String(port), KUBERNETES_SERVICE_HOST: undefined };
    const child = spawn(process.execPath, ['dist/main.js'], { cwd: folder, env });
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
});
