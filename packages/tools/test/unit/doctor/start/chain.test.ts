import { describe, expect, it } from '@jest/globals';
import { chainsOf } from '../../../../src/doctor/start/chain.js';
import {
  anywhere,
  type Chain,
  type Habitat,
  type ScriptText,
  type ShellKind,
} from '../../../../src/doctor/start/step.js';

/** `init>npm!`: what stands in the way is marked, `!` for what loses the signal, `?` for what may. */
function drawn(chain: Chain): string {
  return chain
    .map(({ kind, passing, signal }) => {
      const mark = passing === 'swallows' || passing === 'cuts' ? '!' : passing === 'unknown' ? '?' : '';
      return `${kind}${mark}${signal === undefined ? '' : `=${signal}`}`;
    })
    .join(' ');
}

const at = { file: 'package.json', line: 3 };
const packaged = (scripts: Readonly<Record<string, string>>): Partial<Habitat> => ({
  hasPackage: true,
  packageScript: (name) => (scripts[name] === undefined ? undefined : { text: scripts[name], at }),
});
const scripted = (scripts: Readonly<Record<string, string>>): Partial<Habitat> => ({
  scriptAt: (path): ScriptText | undefined =>
    scripts[path] === undefined ? undefined : { text: scripts[path], at: { file: path, line: 1 } },
});
const chainsIn = (habitat: Partial<Habitat>, words: readonly string[]) =>
  chainsOf(words, { ...anywhere, ...habitat }).map(drawn);
const lineIn = (shell: ShellKind, line: string, program = 'sh') => chainsIn({ shell }, [program, '-c', line]);

describe('chainsOf, of a program', () => {
  it.each<[string, string]>([
    ['node dist/main.js', 'node'],
    ['/usr/local/bin/node --import ./a.mjs -r dotenv/config dist/main.js', 'node'],
    ['NODE_ENV=production node dist/main.js', 'node'],
    ['./orders', 'program'],
    ['docker-entrypoint.sh node dist/main.js', 'node'],
    ['node --watch-path=src src/main.js', 'development-runner?'],
    ['tsx watch src/main.ts', 'development-runner?'],
    ['tsx src/main.ts', 'program'],
    ['nodemon dist/main.js', 'development-runner!'],
    ['node node_modules/@nestjs/cli/bin/nest.js start', 'development-runner!'],
    ['node node_modules/orders/main.js', 'node'],
    ['node --run start', 'package-manager!'],
    ['node /usr/lib/node_modules/npm/bin/npm-cli.js start', 'package-manager!'],
    ['ts-node src/main.ts', 'program'],
    ['pm2-runtime dist/main.js', 'process-manager?'],
    ['/app/entrypoint', 'script?'],
    ['sh ./start.sh', 'script?'],
    ['strange npm start', 'wrapper? package-manager!'],
    ['strange --quickly dist/main.js', 'program'],
  ])('%s: %s', (line, expected) => {
    expect(chainsIn({}, line.split(' '))).toEqual([expected]);
  });
});

describe('chainsOf, of a program before another', () => {
  it.each<[string, string]>([
    ['nice -n 10 npm start', 'wrapper package-manager!'],
    ['nice -10 node a.js', 'wrapper node'],
    ['env -u HOME -C /app A=1 node a.js', 'wrapper node'],
    ['setpriv --reuid 1000 --clear-groups --init-groups npm start', 'wrapper package-manager!'],
    ['timeout -k 5 --signal=INT 1h npm start', 'wrapper package-manager!'],
    ['timeout 1h node a.js', 'wrapper node'],
    ['gosu node npm start', 'wrapper package-manager!'],
    ['tini -s -- node a.js', 'init node'],
    ['tini -e 143 -- npm start', 'init package-manager!'],
    ['dumb-init -r 15:2 npm start', 'init=SIGINT package-manager!'],
    ['dumb-init --rewrite=15:3 node a.js', 'init=SIGQUIT node'],
    ['dumb-init -r15:0 node a.js', 'init=no signal node'],
    ['dumb-init -r 2:15 node a.js', 'init node'],
    ['cross-env NODE_ENV=production npm start', 'wrapper package-manager!'],
    ['cross-env A=1 B=2 node a.js', 'wrapper node'],
    ['dotenv -e .env -- node a.js', 'wrapper node'],
    ['dotenv run -f .env npm start', 'wrapper package-manager!'],
    ['dotenvx run -f .env -- npm start', 'wrapper! package-manager!'],
    ['env-cmd -f .env node a.js', 'wrapper! node'],
    ['dockerize -wait tcp://db:5432 -timeout 60s node a.js', 'wrapper! node'],
    ['doppler run --project x -- npm start', 'wrapper package-manager!'],
    ['infisical run --env=prod -- node a.js', 'wrapper node'],
    ['wait-for-it.sh db:5432 -t 30 -- npm start', 'wrapper package-manager!'],
    ['tini -- su-exec node env A=1 node a.js', 'init wrapper wrapper node'],
    ['su - node', 'wrapper?'],
  ])('%s: %s', (line, expected) => {
    expect(chainsIn({}, line.split(' '))).toEqual([expected]);
  });

  it('follows lines that wrappers give to a shell', () => {
    expect(chainsIn({}, ['doppler', 'run', '--command', 'a && node b.js'])).toEqual(['wrapper shell! node']);
    expect(chainsIn({}, ['env', '-S', 'node --enable-source-maps a.js'])).toEqual(['wrapper node']);
  });
});

describe('chainsOf, of a line of a shell', () => {
  it('knows which shells become their last command', () => {
    const line = 'npx prisma migrate deploy && node dist/main.js';
    expect(lineIn('dash', line)).toEqual(['shell! node']);
    expect(lineIn('unsaid', line)).toEqual(['shell! node']);
    expect(lineIn('busybox', line)).toEqual(['shell node']);
    expect(lineIn('bash', line)).toEqual(['shell node']);
    expect(lineIn('unknown', line)).toEqual(['shell? node']);
    expect(lineIn('dash', line, 'bash')).toEqual(['shell node']);
  });

  // Each was tried with dash 0.5.12, bash 5.2 and BusyBox 1.35.
  it.each<[line: string, dash: string, bash: string, busybox: string]>([
    ['A=1 node a.js', 'shell! node', 'shell node', 'shell node'],
    ['node a.js 2>&1', 'shell! node', 'shell! node', 'shell node'],
    ['if true; then node a.js; fi', 'shell! node', 'shell! node', 'shell node'],
    ['case x in x) node a.js;; esac', 'shell! node', 'shell! node', 'shell node'],
    ['{ node a.js; }', 'shell! node', 'shell! node', 'shell node'],
    ['(node a.js)', 'shell! node', 'shell! node', 'shell node'],
    ['trap "echo" TERM; node a.js', 'shell! node', 'shell! node', 'shell! node'],
    ['f() { node a.js; }; f', 'shell! node', 'shell! node', 'shell! node'],
    ['node a.js | cat', 'shell! node', 'shell! node', 'shell! node'],
    ['exec node a.js | cat', 'shell! node', 'shell! node', 'shell! node'],
    ['for i in 1; do node a.js; done', 'shell! node', 'shell! node', 'shell! node'],
    ['! node a.js', 'shell! node', 'shell! node', 'shell! node'],
    ['eval node a.js', 'shell! node', 'shell! node', 'shell! node'],
    ['node a.js || exit 1', 'shell! node', 'shell! node', 'shell! node'],
    ['node a.js; echo $?', 'shell! node', 'shell! node', 'shell! node'],
    ['exec node a.js 2>&1', 'shell node', 'shell node', 'shell node'],
    ['exec >log 2>&1; PORT=1 exec node a.js', 'shell node', 'shell node', 'shell node'],
    ['cd dist && exec node a.js', 'shell node', 'shell node', 'shell node'],
    ['main() { exec "$@"; }; main node a.js', 'shell node', 'shell node', 'shell node'],
    ['CMD="node a.js"; exec $CMD', 'shell node', 'shell node', 'shell node'],
    ['node a.js & wait', 'shell! node', 'shell! node', 'shell! node'],
  ])('%s', (line, dash, bash, busybox) => {
    expect([lineIn('dash', line), lineIn('bash', line), lineIn('busybox', line)]).toEqual([[dash], [bash], [busybox]]);
  });

  it.each<[string, readonly string[]]>([
    ['if [ -n "$X" ]; then exec node a.js; else exec node b.js; fi', ['shell node', 'shell node']],
    ['if [ -n "$X" ]; then exec node a.js; fi; node b.js', ['shell node', 'shell! node']],
    ['case $1 in a) exec npm start;; *) exec node a.js;; esac', ['shell package-manager!', 'shell node']],
    ["don't", ['shell?']],
    ['', ['shell?']],
  ])('%s', (line, expected) => {
    expect(lineIn('dash', line)).toEqual(expected);
  });

  it.each<[string, string]>([
    ["node a.js & p=$!; trap 'kill -TERM $p' TERM; wait $p; wait $p", 'shell node'],
    ["trap 'kill $p; wait $p' TERM INT; node a.js & p=$!; wait $p", 'shell node'],
    ['stop() { kill "$p"; wait "$p"; }; trap stop SIGTERM; node a.js & p=$!; wait $p', 'shell node'],
    ["trap 'kill $p' 15; node a.js & p=$!; while kill -0 $p; do wait $p; done", 'shell node'],
    ["node a.js & p=$!; trap 'kill -TERM $p' TERM; wait $p", 'shell! node'],
    ["set -e; node a.js & p=$!; trap 'kill $p' TERM; wait $p; wait $p", 'shell! node'],
    ["set -e; node a.js & p=$!; trap 'kill $p' TERM; wait $p || true; wait $p", 'shell node'],
    ["node a.js & p=$!; trap 'kill -9 $p; wait' TERM; wait $p", 'shell! node'],
    ["node a.js & p=$!; trap 'kill -INT $p; wait' TERM; wait $p", 'shell=SIGINT node'],
    ["trap 'echo bye' TERM; node a.js & wait; wait", 'shell! node'],
  ])('follows a trap: %s', (line, expected) => {
    expect(lineIn('dash', line)).toEqual([expected]);
  });
});

describe('chainsOf, of a script', () => {
  const script = (text: string, shell: ShellKind = 'busybox') =>
    chainsIn({ ...scripted({ './start.sh': text }), shell }, ['./start.sh', 'node', 'a.js']);

  it.each<[string, readonly string[]]>([
    ['#!/bin/sh\nset -e\nnpx prisma migrate deploy\nexec node a.js\n', ['script node']],
    ['#!/bin/sh\nset -e\nnpx prisma migrate deploy\nnode a.js\n', ['script! node']],
    ['#!/bin/bash\nnode a.js\n', ['script! node']],
    ['#!/bin/sh\nexec "$@"\n', ['script node']],
    ['#!/bin/sh\nexec "${@}"\n', ['script node']],
    ['#!/bin/sh\n"$@"\n', ['script! node']],
    ['#!/bin/sh\nif [ -z "$1" ]; then set -- x; fi\nexec tini -- "$@"\n', ['script init node', 'script init program']],
    ['#!/usr/bin/env node\nrun();\n', ['node']],
    ['#!/usr/bin/env python3\nrun()\n', ['program']],
    [
      '#!/bin/sh\nuntil nc -z db 1; do sleep 1; done\n[ -n "$M" ] && npm run migrate\nexec node a.js\n',
      ['script node'],
    ],
    ['#!/bin/sh\n. ./other.sh\n', ['script?']],
  ])('%j', (text, expected) => {
    expect(script(text)).toEqual(expected);
  });

  it('names the line on which it ends', () => {
    const habitat = { ...anywhere, ...scripted({ '/start.sh': '#!/bin/sh\nset -e\nnode a.js\n' }) };
    const [chain] = chainsOf(['/start.sh'], habitat);
    expect(chain![0]).toMatchObject({
      at: { file: '/start.sh', line: 3 },
      why: expect.stringContaining("'node a.js'"),
    });
  });
});

describe('chainsOf, of a package manager', () => {
  it.each<[string, Partial<Habitat>, string]>([
    ['npm start', {}, 'package-manager!'],
    ['npm start', { shell: 'dash' }, 'package-manager!'],
    ['npm start', { shell: 'busybox' }, 'package-manager'],
    ['npm start', { shell: 'unknown' }, 'package-manager?'],
    ['pnpm run start', { shell: 'busybox' }, 'package-manager'],
    ['pnpm exec node a.js', { shell: 'busybox' }, 'package-manager! node'],
    ['npx nest start', { shell: 'busybox' }, 'package-manager development-runner!'],
    ['yarn start', {}, 'package-manager?'],
    ['yarn start', { yarn: 'modern' }, 'package-manager'],
    ['yarn start', { yarn: 'classic', shell: 'busybox' }, 'package-manager!'],
    ['corepack yarn start', { yarn: 'modern' }, 'package-manager'],
    ['npm run a', packaged({ a: 'exec node a.js' }), 'package-manager node'],
    ['npm run a', packaged({ a: 'node a.js' }), 'package-manager! node'],
    ['npm run a', { ...packaged({ a: 'nest start' }), shell: 'busybox' }, 'package-manager development-runner!'],
    [
      'npm run a',
      { ...packaged({ a: 'npm run b', b: 'node a.js' }), shell: 'busybox' },
      'package-manager package-manager node',
    ],
    ['npm run a', { ...packaged({ a: 'b && node a.js' }), shell: 'busybox' }, 'package-manager shell node'],
    ['npm run a', { ...packaged({ a: 'node a.js | pino' }), shell: 'busybox' }, 'package-manager shell! node'],
    ['yarn a', { ...packaged({ a: 'b && node a.js' }), yarn: 'modern' }, 'package-manager node'],
    ['yarn nest start', { ...packaged({}), yarn: 'modern' }, 'package-manager development-runner!'],
    ['npm run --prefix api a', packaged({ a: 'exec node a.js' }), 'package-manager!'],
    ['npm run --silent a -- --port 1', packaged({ a: 'exec node a.js' }), 'package-manager node'],
  ])('%s, %j: %s', (line, habitat, expected) => {
    expect(chainsIn(habitat, line.split(' '))).toEqual([expected]);
  });

  it('comes to an end where scripts run each other', () => {
    const scripts = packaged({ a: 'npm run b', b: 'npm run a' });
    expect(chainsIn({ ...scripts, shell: 'busybox' }, ['npm', 'run', 'a'])[0]).toMatch(/^(package-manager ?)+$/);
  });
});
