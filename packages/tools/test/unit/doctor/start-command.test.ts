import { describe, expect, it } from '@jest/globals';
import { isChain, isPlain, scriptRunBy, troublesOf, troublesOfLine } from '../../../src/doctor/start-command.js';

const kinds = (...command: string[]) => troublesOf(command).map(({ kind }) => kind);
const kindsOfLine = (line: string) => troublesOfLine(line).map(({ kind }) => kind);

describe('troublesOf', () => {
  it.each([
    [[], []],
    [['node', 'dist/main.js'], []],
    [['/usr/local/bin/node', '--import', 'tsx-free.mjs', 'dist/main.js'], []],
    [['NODE_ENV=production', 'node', 'dist/main.js'], []],
    [['tini', '-s', '--', 'node', 'dist/main.js'], []],
    [['gosu', 'node', 'npm', 'start'], ['npm']],
    [['pnpm', 'start'], ['npm']],
    [['node', '/usr/lib/node_modules/npm/bin/npm-cli.js', 'start'], ['npm']],
    [['sh', '-c', 'node dist/main.js'], ['shell']],
    [['bash', '-lc', 'exec node dist/main.js'], []],
    [['sh', '-c', 'exec npm start'], ['npm']],
    [
      ['sh', '-c', 'npm start'],
      ['shell', 'npm'],
    ],
    [['dumb-init', 'sh', '-c', 'node dist/main.js'], ['shell']],
    [['sh'], ['shell']],
    [['sh', '-c'], ['shell']],
    [['sh', './start.sh'], ['script']],
    [['/app/entrypoint'], ['script']],
    [['docker-entrypoint.sh', 'nodemon'], ['development']],
    [['node', 'node_modules/@nestjs/cli/bin/nest.js', 'start'], ['development']],
    [['node', '--watch-path=src', 'src/main.js'], ['development']],
    [['ts-node', 'src/main.ts'], ['development']],
  ] as const)('%j has %j', (command, expected) => {
    expect(kinds(...command)).toEqual(expected);
  });
});

describe('troublesOfLine', () => {
  it.each([
    ['node dist/main.js', ['shell']],
    ['exec node dist/main.js', []],
    ['echo "a && b"; exec node dist/main.js', []],
    ['PORT=1 exec node dist/main.js', []],
    ['cd dist && nodemon main.js', ['shell', 'development']],
    ["don't", ['shell']],
    ['', ['shell']],
  ] as const)('%j has %j', (line, expected) => {
    expect(kindsOfLine(line)).toEqual(expected);
  });
});

describe('scriptRunBy', () => {
  it.each([
    [['npm', 'start'], 'start'],
    [['npm', 'run', '--silent', 'start:prod'], 'start:prod'],
    [['npm', '--silent', 'run-script', 'x'], 'x'],
    [['npm', 'ci'], undefined],
    [['npm'], undefined],
    [['yarn', 'start:prod'], 'start:prod'],
    [['pnpm', 'run', 'x'], 'x'],
    [['node', 'dist/main.js'], undefined],
  ] as const)('of %j is %j', (command, expected) => {
    expect(scriptRunBy(command)).toBe(expected);
  });
});

describe('isChain and isPlain', () => {
  it('tell one command from many', () => {
    expect(isChain('a && b')).toBe(true);
    expect(isChain('a && exec b')).toBe(false);
    expect(isChain('node -e "a && b"')).toBe(false);
    expect(isPlain('node dist/main.js')).toBe(true);
    expect(isPlain('node dist/main.js > log')).toBe(false);
    expect(isPlain('node $MAIN')).toBe(false);
  });
});
