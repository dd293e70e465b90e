import { describe, expect, it } from '@jest/globals';
import { isWatched } from '../../../src/nest/watcher.js';

/** The command lines of the parents, the nearest first. */
const under = (parents: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  isWatched(environment, 100, (pid) => {
    const commandLine = parents[100 - pid];
    return commandLine === undefined ? undefined : { commandLine, parentPid: pid - 1 };
  });

describe('isWatched', () => {
  it.each([
    [['node /app/node_modules/.bin/nest start --watch ']],
    [['/bin/sh -c node --enable-source-maps dist/main ', 'node /app/node_modules/@nestjs/cli/bin/nest.js start -w ']],
    [['/usr/bin/node /app/node_modules/.bin/tsx watch src/main.ts ']],
    [['sh -c node dist/main.js ', 'node /app/node_modules/.bin/nodemon dist/main.js ']],
    [['node /app/node_modules/.bin/ts-node-dev --respawn src/main.ts ']],
  ])('knows a watcher by the command lines of its parents (%j)', (parents) => {
    expect(under(parents)).toBe(true);
  });

  it.each([
    ['node --watch, which says so', { WATCH_REPORT_DEPENDENCIES: '1' }],
    ['the script that npm runs', { npm_lifecycle_script: 'nest start --watch' }],
  ])('knows one by %s', (_name, environment) => {
    expect(under([], environment)).toBe(true);
  });

  it.each([
    [[]],
    [['/sbin/tini -- node dist/main.js ']],
    [['/bin/sh -c node dist/main.js --watch ', 'npm start ', '/sbin/init ']],
    [['node /app/node_modules/.bin/nest start ']],
    [['node /app/node_modules/.bin/tsx src/main.ts ']],
    [['containerd-shim ', 'nodemon ']],
    [['-bash ', 'sshd: dev ']],
    [['PM2 v5: God Daemon (/root/.pm2) ']],
  ])('takes nobody else for one (%j)', (parents) => {
    expect(under(parents, { npm_lifecycle_script: 'node dist/main.js', NODE_ENV: 'development' })).toBe(false);
  });
});
