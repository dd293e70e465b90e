import { describe, expect, it } from '@jest/globals';
import { mkdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inheritedSockets } from '../../../src/serve/inherited-sockets.js';
import { memoryAdvice } from '../../../src/serve/memory-advice.js';
import { listenCall } from '../../../src/serve/preload/asked-address.js';
import { resolveRelease } from '../../../src/serve/release.js';
import { serveOptions } from '../../../src/serve/serve-options.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const node = ['--', 'node', 'dist/main.js'];

describe('The options of serve', () => {
  it('have these defaults', () => {
    expect(serveOptions(node, {})).toMatchObject({
      workers: availableParallelism(),
      readiness: 'listening',
      readyWithinMs: 30_000,
      probationMs: 2_000,
      graceMs: 29_000,
      hangLimitMs: 15_000,
      balance: 'round-robin',
      source: { command: process.execPath, args: ['dist/main.js'] },
      watched: undefined,
      statusPort: undefined,
      prefixesLines: true,
    });
  });

  it.each<[string[], object]>([
    [['--workers', '4'], { workers: 4 }],
    [['--ready', '/health/ready'], { readiness: { path: '/health/ready' } }],
    [['--ready', 'message'], { readiness: 'message' }],
    [['--grace', '2m', '--probation', '0s'], { graceMs: 120_000, probationMs: 0 }],
    [['--balance', 'shared', '--hang-limit', '500ms'], { balance: 'shared', hangLimitMs: 500 }],
    [['--control', '/run/orders.sock'], { control: '/run/orders.sock' }],
  ])('are read: %j', (args, read) => {
    expect(serveOptions([...args, ...node], {})).toMatchObject(read);
  });

  it('leave a second of what the platform grants', () => {
    expect(serveOptions(node, { K_SERVICE: 'orders' })).toMatchObject({ graceMs: 9_000 });
  });

  it.each([
    [[], 'Expected a command after --, got none.'],
    [['--', 'npm', 'start'], 'Expected node itself after --, got npm'],
    [['--workers', '0', ...node], 'Expected --workers to be a whole number from 1 to 1000, got 0.'],
    [['--grace', '30', ...node], 'Expected --grace to be a time, got 30. Give it as 500ms, 30s or 2m.'],
    [['--ready', 'health', ...node], 'Expected --ready to be a path or the word message, got health.'],
    [['--balance', 'random', ...node], 'Expected --balance to be round-robin or shared, got random.'],
    [['--worker', '4', ...node], "Unknown option '--worker'"],
  ])('are refused: %j', (args, why) => {
    expect(() => serveOptions(args, {})).toThrow(why);
  });
});

describe('listen()', () => {
  const callback = () => undefined;
  it.each<[unknown[], object]>([
    [[3000], { port: 3000 }],
    [['3000'], { port: 3000 }],
    [[3000, '0.0.0.0', callback], { port: 3000, host: '0.0.0.0' }],
    [[3000, 100, callback], { port: 3000, backlog: 100 }],
    [[{ port: 3000, host: 'localhost', backlog: 5 }], { port: 3000, host: 'localhost', backlog: 5 }],
    [['/run/orders.sock', callback], { path: '/run/orders.sock' }],
    [[{ path: '/run/orders.sock', readableAll: true }], { path: '/run/orders.sock', readableAll: true }],
  ])('asks for what is shared: %j', (args, asked) => {
    const call = listenCall(args);
    expect(call?.asked).toMatchObject(asked);
    expect(call?.callback).toBe(args.at(-1) === callback ? callback : undefined);
  });

  it.each<[unknown[]]>([
    [[]],
    [[0]],
    [['0']],
    [[{ fd: 3 }]],
    [[{ port: 3000, exclusive: true }]],
    [[{ port: 70_000 }]],
  ])('asks for what is its own: %j', (args) => {
    expect(listenCall(args)).toBeUndefined();
  });
});

describe('A release', () => {
  it('is what the links point to when it is made', () => {
    const folder = realpathSync(temporaryFolder());
    const point = (release: string) => {
      symlinkSync(release, join(folder, 'next'));
      renameSync(join(folder, 'next'), join(folder, 'current'));
    };
    for (const release of ['a', 'b']) {
      mkdirSync(join(folder, release));
      writeFileSync(join(folder, release, 'main.js'), '');
    }
    const source = {
      folder: join(folder, 'current'),
      command: 'node',
      args: ['--flag', join(folder, 'current/main.js')],
    };
    point('a');
    const first = resolveRelease(source, 1);
    point('b');
    expect(first).toMatchObject({ folder: join(folder, 'a'), args: ['--flag', join(folder, 'a/main.js')] });
    expect(resolveRelease(source, 2)).toMatchObject({ folder: join(folder, 'b'), version: 2 });
  });
});

describe('Sockets of systemd', () => {
  const addresses = [{ port: 3000, address: '::', family: 'IPv6' }, '/run/orders.sock'];
  const addressOf = (fd: number) => addresses[fd - 3];

  it('are found by what a worker asks for', () => {
    const sockets = inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '9' }, 9, addressOf);
    const fdFor = (asked: object) => sockets.find((socket) => socket.fits(asked))?.fd;
    expect([fdFor({ port: 3000 }), fdFor({ path: '/run/orders.sock' }), fdFor({ port: 3001 })]).toEqual([
      3,
      4,
      undefined,
    ]);
  });

  it.each([{}, { LISTEN_FDS: '2', LISTEN_PID: '8' }, { LISTEN_FDS: '0', LISTEN_PID: '9' }])(
    'are not those that were meant for another: %j',
    (environment) => {
      expect(inheritedSockets(environment, 9, addressOf)).toEqual([]);
    },
  );
});

describe('Advice about memory', () => {
  const facts = { workers: 4, workerBytes: 100 * 2 ** 20, supervisorBytes: 50 * 2 ** 20 };
  it.each([undefined, 0, 1_000 * 2 ** 20])('is not given where there is room: %d', (limitBytes) => {
    expect(memoryAdvice({ ...facts, limitBytes })).toBeUndefined();
  });

  it('names how many workers would fit', () => {
    // These fit, and one more does not.
    expect(memoryAdvice({ ...facts, limitBytes: 600 * 2 ** 20 })).toContain('start it with --workers 3');
    expect(memoryAdvice({ ...facts, limitBytes: 512 * 2 ** 20 })).toBe(
      '4 workers of 100 MB, and one more in a reload, come near the limit of 512 MB: start it with --workers 2, or raise the limit',
    );
  });
});
