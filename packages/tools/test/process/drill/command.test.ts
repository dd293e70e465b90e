import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { apps, endCommands, runCommand, shortRoll, startCommand } from '../../drill/support/run-drill.js';
import { build } from '../../../../../test/process/support/child.js';
import { temporaryFolder } from '../../../../../test/support/temporary-folder.js';

const faulty = ['node', `${apps}/faulty.mjs`];
const stub = join(process.cwd(), 'packages/tools/test/integration/drill/stub-app.mjs');

beforeAll(build);
afterEach(endCommands);

describe('nestjs-drain drill', () => {
  const bad: readonly (readonly [what: string, args: readonly string[], line: RegExp])[] = [
    ['a command that cannot be run', ['--', 'no-such-command', 'x'], /'no-such-command x' cannot be run: .*ENOENT/],
    [
      'a command that does not start',
      ['--', 'node', stub, 'broken'],
      /replica-1 exited with 3 before \/health\/ready answered 200; it said: no database/,
    ],
    [
      'readiness that is never green',
      ['--start-timeout=5s', '--', 'node', stub, 'unready'],
      /did not answer 200 at http:\S+\/health\/ready within 5 s: it answered 503\. Name its readiness path with --ready/,
    ],
    [
      'a service that listens elsewhere',
      ['--start-timeout=5s', '--port-env=HTTP_PORT', '--replicas=1', '--', 'env', 'PORT=0', ...faulty],
      /it listens on \d+, not on the port in HTTP_PORT/,
    ],
    [
      'a request that fails at rest',
      ['--request=GET /x status=204', '--', ...faulty],
      /GET \/x is answered 200 before anything is stopped/,
    ],
    ['a URL off loopback', ['--request=GET http://shop.example/', '--', ...faulty], /only with --allow-remote/],
    ['an option that does not exist', ['--nonsense', '--', ...faulty], /unknown option '--nonsense'/],
    [
      'an option out of range',
      ['--replicas=0', '--', ...faulty],
      /--replicas takes a whole number from 1 to 50, got '0'/,
    ],
    ['no command', [], /There is nothing to roll: give the command that starts a replica, or --attach/],
    ['an attachment that nothing rolls', ['--attach=http://127.0.0.1:1'], /--attach and --during belong together/],
    ['an attachment elsewhere', ['--attach=http://shop.example', '--during=true'], /only with --allow-remote/],
    ['an attachment that is not there', ['--attach=http://127.0.0.1:1', '--during=true'], /GET \/ fails \(refused\)/],
    ['an attachment, and a command', ['--attach=http://127.0.0.1:1', '--during=true', '--', ...faulty], /no command/],
    ['a whole URL elsewhere', ['--request=GET http://127.0.0.1:1/x', '--', ...faulty], /is not what is rolled/],
    ['a share that is none', ['--max-loss=many', '--', ...faulty], /--max-loss takes a share .* got 'many'/],
    ['a script that is missing', ['--script=none.mjs', '--', ...faulty], /none\.mjs cannot be loaded/],
    ['a report that cannot be written', ['--html=/no/such/folder/a.html', '--', ...faulty], /cannot be written/],
  ];

  it.each(bad)('says in one line what is wrong with %s, and exits with 2', async (_what, args, line) => {
    const { code, stderr } = await runCommand(['drill', ...args]);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('says which shell is not here', async () => {
    const nowhere = temporaryFolder();
    const { code, stderr } = await runCommand(['drill', '--shell=busybox', '--', ...faulty], {
      env: { PATH: nowhere },
    });
    expect(stderr).toMatch(/^[^\n]*--shell busybox needs busybox on this machine[^\n]*\n$/);
    expect(code).toBe(2);
  });

  it('says that a port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runCommand(['drill', `--port=${port}`, '--', ...faulty]);
    server.close();
    expect(stderr).toBe(`nestjs-drain drill: Port ${port} is taken: choose another with --port.\n`);
    expect(code).toBe(2);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends every child at %s, npm and its own included', async (signal) => {
    const folder = temporaryFolder();
    const env = { TMPDIR: folder };
    const child = startCommand(['drill', '--warm-up=60s', '--', 'npm', 'start', '--silent'], {
      cwd: `${apps}/npm`,
      env,
    });
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) if (line.includes('traffic starts')) break;
    const started = descendantsOf(child.pid!);
    expect(started.length).toBeGreaterThanOrEqual(6);
    const exited = once(child, 'exit');
    child.kill(signal);
    expect(await exited).toEqual([signal === 'SIGINT' ? 130 : 143, null]);
    while (started.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readdirSync(folder).filter((name) => name.startsWith('nestjs-drain'))).toEqual([]);
  });

  it('writes JSON, JUnit and HTML, and leaves nothing behind', async () => {
    const folder = temporaryFolder();
    const [junit, html] = [join(folder, 'drill.xml'), join(folder, 'drill.html')];
    const args = ['drill', '--json', `--junit=${junit}`, `--html=${html}`, ...shortRoll, '--', ...faulty, 'no-handler'];
    const { code, stdout, stderr } = await runCommand(args, { env: { TMPDIR: folder } });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, lostNothing: false });
    expect(stderr).toMatch(/Requests are lost: /);
    expect(readFileSync(junit, 'utf8')).toMatch(/<failure message="\d+ requests? failed/);
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>/);
    expect(readdirSync(folder).sort()).toEqual(['drill.html', 'drill.xml']);
  });

  it('has a help of 80 columns, with everything a man page has', async () => {
    const { code, stdout } = await runCommand(['drill', '--help']);
    expect(code).toBe(0);
    for (const part of [
      'Usage:',
      'The service:',
      'The traffic:',
      'The roll:',
      'Presets:',
      'Examples:',
      'Exit status:',
      'Files:',
    ]) {
      expect(stdout).toContain(`\n${part}`.trimStart());
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('nestjs-drain', () => {
  it('knows its version and its commands', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect((await runCommand(['--version'])).stdout).toBe(`${version}\n`);
    const { code, stdout } = await runCommand(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}drill .*\n(.*\n)* {2}doctor /m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect((await runCommand(['dril'])).stderr).toMatch(/unknown command 'dril'\n.*drill/);
  });

  it('says how to install the tools where they are missing, and its version nevertheless', () => {
    const folder = temporaryFolder();
    for (const file of ['package.json', 'bin/nestjs-drain.mjs']) cpSync(file, join(folder, file));
    const alone = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(folder, 'bin/nestjs-drain.mjs'), ...args], { cwd: folder, encoding: 'utf8' });
    expect(alone('doctor')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^nestjs-drain: .* npm install --save-dev nestjs-drain-tools\n$/),
    });
    expect(alone('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('takes the tools that are installed in the current folder', () => {
    const folder = temporaryFolder();
    cpSync('package.json', join(folder, 'elsewhere/package.json'));
    cpSync('bin', join(folder, 'elsewhere/bin'), { recursive: true });
    mkdirSync(join(folder, 'app/node_modules'), { recursive: true });
    symlinkSync(resolve('packages/tools'), join(folder, 'app/node_modules/nestjs-drain-tools'));
    const bin = join(folder, 'elsewhere/bin/nestjs-drain.mjs');
    const run = spawnSync(process.execPath, [bin, 'doctor', '--help'], {
      cwd: join(folder, 'app'),
      encoding: 'utf8',
    });
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: nestjs-drain doctor/) });
  });
});

/** On Linux, from /proc; nothing elsewhere. */
function descendantsOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  const children = readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and not been asked for is none.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
