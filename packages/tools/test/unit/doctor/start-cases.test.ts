import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { diagnose, examine } from '../../../src/doctor/diagnose.js';
import { type Source } from '../../../src/doctor/read/source.js';

const root = 'packages/tools/test/unit/doctor/fixtures/cases';

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const file = join(folder, name);
    return statSync(file).isDirectory() ? filesBelow(file) : [file];
  });
}

const sourcesOf = (name: string): readonly Source[] =>
  filesBelow(join(root, name)).map((file) => ({
    name: file.slice(join(root, name).length + 1),
    text: readFileSync(file, 'utf8'),
  }));
const found = (sources: readonly Source[]) =>
  diagnose(sources).map(({ rule, severity, file, line }) => `${severity} ${rule} ${file}:${line}`);
const texts = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([name, text]): Source => ({ name, text }));

/** What starts an application: each folder is a small deployment that was once judged wrongly. */
const expected: Readonly<Record<string, readonly string[]>> = {
  'cmd-cross-env-npm': ['fault npm-as-pid-1 d.yaml:16'],
  'cmd-dumbinit-r-npm': ['fault npm-as-pid-1 d.yaml:16', 'fault stop-signal d.yaml:16'],
  'cmd-exec-redirect': [],
  'cmd-if-exec': [],
  'cmd-nice': ['fault npm-as-pid-1 d.yaml:16'],
  'cmd-trap': [],
  'df-alpine-npm': [],
  'df-alpine-shc': [],
  'df-bash-c': [],
  'df-entrypoint-own-docker': ['fault entrypoint-script docker-entrypoint.sh:3'],
  'df-entrypoint-script-exec': [],
  'df-entrypoint-script-noexec': ['fault entrypoint-script start.sh:4'],
  'df-k8s-override': [],
  'df-pm2-runtime': ['fault pm2-runtime Dockerfile:5'],
  'df-yarn4': [],
  'in-ecs': ['fault grace-budget taskdef.json:1', 'fault npm-as-pid-1 taskdef.json:1'],
  'pm-deploy-restart': ['doubt pm2-restart ecosystem.config.js:1'],
  'pm-esm': ['fault pm2-kill-timeout ecosystem.config.mjs:1', 'doubt pm2-fork ecosystem.config.mjs:1'],
  'pm-process-yml': ['fault pm2-kill-timeout process.yml:2', 'doubt pm2-fork process.yml:2'],
  'pm-require-path': ['fault pm2-kill-timeout ecosystem.config.js:2', 'doubt pm2-fork ecosystem.config.js:2'],
  'pm-script-py': [],
  swarm: ['fault grace-budget stack.yml:2', 'fault npm-as-pid-1 stack.yml:4', 'fault max-unavailable stack.yml:5'],
};

describe('diagnose, of small deployments', () => {
  it.each(Object.entries(expected))('%s', (name, findings) => {
    expect(found(sourcesOf(name))).toEqual(findings);
  });

  it('doubts an entrypoint that was not given', () => {
    const [dockerfile] = sourcesOf('df-entrypoint-own-docker');
    expect(found([dockerfile!])).toEqual(['doubt entrypoint-script Dockerfile:5']);
  });
});

const slim = 'FROM node:22-slim\n';
const alpine = 'FROM node:22-alpine\n';
const start = (line: string) => `{\n"scripts": {\n"start": ${JSON.stringify(line)}\n}\n}\n`;
const pod = (container: string) =>
  'kind: Deployment\nmetadata: { name: a }\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n' +
  `        - { name: worker, ${container} }\n`;

describe('diagnose, of what an image starts', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['npm on Debian', { Dockerfile: `${slim}CMD ["npm", "start"]` }, ['fault npm-as-pid-1 Dockerfile:2']],
    ['npm that runs exec', { Dockerfile: `${slim}CMD ["npm", "start"]`, 'package.json': start('exec node a.js') }, []],
    [
      'a pipe in a script, on Alpine',
      { Dockerfile: `${alpine}CMD ["npm", "start"]`, 'package.json': start('node a.js | pino') },
      ['fault start-script package.json:3'],
    ],
    ['a base from an ARG', { Dockerfile: 'ARG I=node:22-alpine\nFROM ${I}\nCMD npm start' }, []],
    [
      'a base that is not known',
      { Dockerfile: 'ARG V\nFROM node:$V\nCMD npm start' },
      ['doubt npm-as-pid-1 Dockerfile:3', 'doubt shell-form Dockerfile:3'],
    ],
    [
      "somebody's own base",
      { Dockerfile: 'FROM registry.example/base:1\nCMD ["npm", "start"]' },
      ['doubt npm-as-pid-1 Dockerfile:2'],
    ],
    ['the last of several stages', { Dockerfile: `FROM node:22 AS build\n${alpine}CMD node a.js` }, []],
    ['SHELL', { Dockerfile: `${slim}SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nCMD node a.js` }, []],
    ['no SHELL', { Dockerfile: `${slim}CMD node a.js` }, ['fault shell-form Dockerfile:2']],
    [
      'a list that is no JSON, on Alpine',
      { Dockerfile: `${alpine}CMD ['node', 'a.js']` },
      ['fault shell-form Dockerfile:2'],
    ],
    ['distroless', { Dockerfile: 'FROM gcr.io/distroless/nodejs22-debian12\nCMD ["dist/main.js"]' }, []],
    [
      'Yarn 1',
      { Dockerfile: `${alpine}CMD ["yarn", "start"]`, 'package.json': start('node a.js') },
      ['fault npm-as-pid-1 Dockerfile:2'],
    ],
    ['a Yarn that is not known', { Dockerfile: `${slim}CMD ["yarn", "start"]` }, ['doubt npm-as-pid-1 Dockerfile:2']],
    [
      'Yarn 4 by Corepack',
      { Dockerfile: `${slim}RUN corepack prepare yarn@4.5.0 --activate\nCMD ["yarn", "start"]` },
      [],
    ],
    [
      'pnpm exec, on Alpine',
      { Dockerfile: `${alpine}CMD ["pnpm", "exec", "nest-app"]` },
      ['fault npm-as-pid-1 Dockerfile:2'],
    ],
    [
      'a script that is handed npm',
      {
        Dockerfile: `${slim}COPY docker/entry.sh /\nENTRYPOINT ["/entry.sh"]\nCMD ["npm", "start"]`,
        'docker/entry.sh': '#!/bin/sh\nexec "$@"\n',
      },
      ['fault npm-as-pid-1 docker/entry.sh:2'],
    ],
    [
      'a script that traps',
      {
        Dockerfile: `${slim}ENTRYPOINT ["./run.sh"]`,
        'run.sh': '#!/bin/bash\ntrap \'kill -TERM "$pid"; wait "$pid"\' TERM\nnode a.js &\npid=$!\nwait "$pid"\n',
      },
      [],
    ],
    [
      'the entrypoint of the official image, named',
      { Dockerfile: `${slim}COPY . .\nENTRYPOINT ["docker-entrypoint.sh"]\nCMD ["node", "a.js"]` },
      [],
    ],
    [
      'one of the same name that was not given',
      {
        Dockerfile: `${slim}COPY docker-entrypoint.sh /usr/local/bin/\nENTRYPOINT ["docker-entrypoint.sh"]\nCMD ["node", "a.js"]`,
      },
      ['doubt entrypoint-script Dockerfile:3'],
    ],
    [
      'a script that runs itself once more, as another user',
      {
        Dockerfile: `${slim}COPY docker-entrypoint.sh /\nENTRYPOINT ["/docker-entrypoint.sh"]\nCMD ["node", "a.js"]`,
        'docker-entrypoint.sh': '#!/bin/sh\nif [ "$(id -u)" = 0 ]; then exec gosu node "$0" "$@"; fi\nexec "$@"\n',
      },
      [],
    ],
    [
      'a script whose branches all exec, or end',
      {
        Dockerfile: `${slim}ENTRYPOINT ["./run.sh"]`,
        'run.sh': '#!/bin/sh\r\ncase "$R" in\r\n a) exec node a.js ;;\r\n *) echo no >&2; exit 1 ;;\r\nesac\r\n',
      },
      [],
    ],
    [
      'programs of which nothing is known',
      { Dockerfile: `${slim}CMD ["make", "run"]` },
      ['doubt start-wrapper Dockerfile:2'],
    ],
    ['bun run', { Dockerfile: 'FROM oven/bun:1\nCMD ["bun", "run", "start"]' }, ['doubt npm-as-pid-1 Dockerfile:2']],
    ['bun itself', { Dockerfile: 'FROM oven/bun:1\nCMD ["bun", "run", "main.ts"]' }, []],
    [
      'a script one of whose branches does not exec',
      {
        Dockerfile: `${slim}ENTRYPOINT ["./run.sh"]`,
        'run.sh': '#!/bin/sh\nif [ "$A" ]; then exec node a.js; fi\nnode b.js\n',
      },
      ['doubt entrypoint-script run.sh:3'],
    ],
  ])('%s', (_, files, findings) => {
    expect(found(texts(files))).toEqual(findings);
  });

  it.each<[string, string, readonly string[]]>([
    ['a command of the pod hides it', 'command: [node, a.js]', []],
    ['args of the pod stand in for CMD', 'args: [node, a.js]', []],
    ['a pod that says nothing leaves it', 'image: x', ['fault npm-as-pid-1 Dockerfile:3']],
    [
      'a command of the pod runs in the shell of the image',
      'command: [sh, -c, node a.js]',
      ['fault shell-as-pid-1 k.yaml:8'],
    ],
  ])('with a workload: %s', (_, container, findings) => {
    const dockerfile = `${slim}ENTRYPOINT ["tini", "--"]\nCMD ["npm", "start"]`;
    expect(found(texts({ Dockerfile: dockerfile, 'k.yaml': pod(container) }))).toEqual(findings);
  });

  it('tells of an image that the only workload may not be about', () => {
    const images = { 'a/Dockerfile': `${slim}CMD ["npm", "start"]`, 'b/Dockerfile': `${slim}CMD ["node", "b.js"]` };
    expect(found(texts({ ...images, 'k.yaml': pod('command: [node, b.js]') }))).toEqual([
      'fault npm-as-pid-1 a/Dockerfile:2',
    ]);
  });

  it('doubts that BusyBox becomes a command that a line break follows', () => {
    const of = (line: string) =>
      found(texts({ 'k.yaml': pod(`image: "node:22-alpine", command: [sh, -c, ${JSON.stringify(line)}]`) }));
    expect(of('npx prisma migrate deploy\nnode dist/main.js')).toEqual([]);
    expect(of('npx prisma migrate deploy\nnode dist/main.js\n')).toEqual(['doubt shell-as-pid-1 k.yaml:8']);
    expect(of('npx prisma migrate deploy\nexec node dist/main.js\n')).toEqual([]);
  });

  it('advises PM2 to run the file that a script of package.json comes to', () => {
    const script = (args: string) => `{"apps":[{"script":"npm","args":"${args}","kill_timeout":40000}]}`;
    const fixOf = (args: string) =>
      diagnose(texts({ 'pm2.json': script(args), 'package.json': '{"scripts":{"worker":"node dist/jobs"}}' })).map(
        ({ fix }) => fix,
      );
    expect(fixOf('run worker')).toEqual(["Run the file itself: script: 'dist/jobs.js', without args."]);
    expect(fixOf('run other')).toEqual(["Run the file itself: script: 'dist/other.js', without args."]);
    expect(fixOf('start')).toEqual(["Run the file itself: script: 'dist/main.js', without args."]);
  });

  it('keeps the variables that a shell would set', () => {
    const fixOf = (files: Readonly<Record<string, string>>) => diagnose(texts(files)).map(({ fix }) => fix);
    const line = 'NODE_ENV=production PORT=$PORT node dist/main.js';
    expect(fixOf({ Dockerfile: `${slim}CMD ${line}` })[0]).toContain(
      'CMD ["env", "NODE_ENV=production", "node", "dist/main.js"]',
    );
    const scripts = { 'package.json': JSON.stringify({ scripts: { start: line } }) };
    expect(fixOf({ Dockerfile: `${slim}CMD ["npm", "start"]`, ...scripts })).toEqual([
      'Start node itself: CMD ["env", "NODE_ENV=production", "node", "dist/main.js"].',
    ]);
    const script = { 'start.sh': '#!/bin/sh\nNODE_ENV=production node dist/main.js\n' };
    expect(fixOf({ Dockerfile: `${slim}COPY start.sh .\nCMD ["./start.sh"]`, ...script })).toEqual([
      'Put exec before its program: NODE_ENV=production exec node dist/main.js.',
    ]);
  });

  it('does not advise to start the server in the place of a worker', () => {
    const fixOf = (script: string, more: Readonly<Record<string, string>> = {}) =>
      diagnose(texts({ Dockerfile: `${slim}CMD ["npm", "run", "${script}"]`, ...more })).map(({ fix }) => fix);
    expect(fixOf('start:worker')).toEqual([
      `Start node itself, with the file that the script 'start:worker' runs: CMD ["node", "dist/worker.js"].`,
    ]);
    expect(fixOf('start:prod')).toEqual(['Start node itself: CMD ["node", "dist/main.js"].']);
    const known = { 'package.json': '{"scripts":{"worker":"node dist/jobs/main.js"}}' };
    expect(fixOf('worker', known)).toEqual(['Start node itself: CMD ["node", "dist/jobs/main.js"].']);
  });

  it('advises to start what stands in front, and not what a shell has put in the background', () => {
    const of = (line: string) => diagnose(texts({ Dockerfile: `${slim}CMD ${line}` })).map(({ fix }) => fix);
    expect(of('node dist/worker.js & node dist/main.js')).toEqual([
      'Write the exec form, in double quotes: CMD ["node", "dist/main.js"].',
    ]);
    expect(of('node dist/main.js & wait')).toEqual([
      'Write the exec form, in double quotes: CMD ["node", "dist/main.js"].',
    ]);
    expect(of('npx prisma migrate deploy && node dist/main.js')).toEqual([
      'Write the exec form, in double quotes: CMD ["node", "dist/main.js"], or put exec before the last command.',
    ]);
  });

  it('advises of a script of package.json in the words of what runs it', () => {
    const compose = 'services:\n  api: { image: "node:22-alpine", command: npm run dev, stop_grace_period: 40s }\n';
    const files = { 'compose.yaml': compose, 'package.json': '{"scripts":{"dev":"nest start --watch"}}' };
    expect(diagnose(texts(files)).map(({ fix }) => fix)).toEqual([
      'Let the container start node itself: command: ["node", "dist/main.js"]. Migrations belong in a step before it.',
    ]);
  });

  it('advises what can be pasted', () => {
    const fixOf = (container: string) => diagnose(texts({ 'k.yaml': pod(container) })).map(({ fix }) => fix);
    expect(fixOf('command: [nice, -n, "5", npm, start]')).toEqual([
      "Start node itself: command: ['nice', '-n', '5', 'node', 'dist/main.js'].",
    ]);
    expect(fixOf('command: [sh, -c], args: [node a.js]')).toEqual([
      "Start node itself: command: ['node', 'a.js'], without args, or put exec before the last command.",
    ]);
    expect(fixOf('command: [sh, -c, node a.js | pino]')).toEqual(["Start node itself: command: ['node', 'a.js']."]);
    expect(fixOf('command: [dumb-init, -r, "15:2", npm, start]')[0]).toBe(
      "Start node itself: command: ['node', 'dist/main.js'].",
    );
  });

  it('takes the shell of the image for a command of the pod', () => {
    const manifests = pod('command: [sh, -c, node a.js]');
    expect(found(texts({ Dockerfile: `${alpine}CMD ["node", "a.js"]`, 'k.yaml': manifests }))).toEqual([]);
  });
});

describe('examine, of what other files say', () => {
  it('leaves images out that are no application', () => {
    const nginx = 'FROM node:22 AS build\nRUN npm run build\nFROM nginx:alpine\nSTOPSIGNAL SIGQUIT\nCMD nginx\n';
    const { findings, notes } = examine(texts({ Dockerfile: nginx, 'package.json': '{}' }));
    expect([findings, notes]).toEqual([[], [expect.stringContaining('Dockerfile was left out')]]);
  });

  it('names it', () => {
    const base = { Dockerfile: 'FROM registry.example/base:1\nCOPY . .\n' };
    expect(examine(texts(base)).notChecked).toEqual([
      { file: 'Dockerfile', line: 1, what: 'what it starts is said by registry.example/base:1, which is not read' },
    ]);
    const started = { ...base, 'k.yaml': pod('command: [node, main.js]') };
    expect(examine(texts(started)).notChecked).toEqual([]);
    const compose =
      'include: [base.yaml]\nservices:\n  a:\n    extends: { file: b.yaml, service: a }\n    image: x/y\n';
    const { notChecked } = examine(texts({ 'compose.yaml': compose }));
    expect(notChecked.map(({ line }) => line)).toEqual([1, 4]);
  });
});

describe('diagnose, of other platforms', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'Compose without Swarm',
      {
        'docker-compose.yml':
          'services:\n  cache: { image: "redis:7" }\n  api:\n    build: .\n    command: sh -c "node a.js | tee log"\n' +
          '    stop_grace_period: ${GRACE}\n',
      },
      ['fault shell-as-pid-1 docker-compose.yml:5'],
    ],
    [
      'a time that is short for a lame duck alone',
      { 'compose.yaml': 'services:\n  api:\n    image: x/y\n    stop_grace_period: 20s\n' },
      ['doubt grace-budget compose.yaml:4'],
    ],
    [
      'a time that is short for the drain',
      { 'compose.yaml': 'services:\n  api:\n    image: x/y\n    stop_grace_period: 15s\n' },
      ['fault grace-budget compose.yaml:4'],
    ],
    [
      'an entrypoint of ECS',
      {
        'task.json':
          '{ "family": "f", "containerDefinitions": [\n{ "name": "a",\n"entryPoint": ["sh", "-c"],\n"command": ["node a.js"] }] }',
      },
      ['fault shell-as-pid-1 task.json:4'],
    ],
    [
      'CloudFormation',
      {
        'stack.yaml':
          'Resources:\n  Task:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      Family: !Ref Name\n' +
          '      ContainerDefinitions:\n        - Name: a\n          StopTimeout: 5\n          Command: [node, a.js]\n',
      },
      ['fault grace-budget stack.yaml:8'],
    ],
    [
      'process groups of Fly.io',
      {
        'fly.toml':
          'app = "a"\nkill_signal = "SIGTERM"\nkill_timeout = "1m"\n[processes]\nweb = "npm start"\nwork = "node w.js"\n',
      },
      ['fault npm-as-pid-1 fly.toml:5'],
    ],
    ['a unit whose processes all get the signal', { 'a.service': '[Service]\nExecStart=/usr/bin/npm start\n' }, []],
    [
      'a unit whose first process gets it alone',
      { 'a.service': '[Service]\nExecStart=/usr/bin/npm start\nKillMode=process\n' },
      ['fault npm-as-pid-1 a.service:2'],
    ],
    ['a unit of something else', { 'a.service': '[Service]\nExecStart=/usr/sbin/nginx\nTimeoutStopSec=5\n' }, []],
    [
      'PM2 with a script that execs',
      {
        'ecosystem.config.json': '{ "apps": [{ "script": "./run.sh", "kill_timeout": 20000, "exec_mode": "fork" }] }',
        'run.sh': '#!/bin/sh\nexec node a.js\n',
      },
      ['doubt pm2-fork ecosystem.config.json:1'],
    ],
    [
      'PM2 with a script that was not given',
      { 'ecosystem.config.json': '{ "apps": [{ "script": "./run.sh", "kill_timeout": 20000 }] }' },
      ['doubt pm2-npm ecosystem.config.json:1'],
    ],
    [
      'PM2 with dotenv, in TypeScript',
      {
        'ecosystem.config.ts':
          "import type { X } from 'pm2';\nconst config: X = { apps: [{ script: 'a.js', exec_mode: 'cluster',\n" +
          'kill_timeout: 2_000, listen_timeout: 9_000 }] };\nexport default config;\n',
      },
      ['fault pm2-kill-timeout ecosystem.config.ts:3'],
    ],
  ])('%s', (_, files, findings) => {
    expect(found(texts(files))).toEqual(findings);
  });
});
