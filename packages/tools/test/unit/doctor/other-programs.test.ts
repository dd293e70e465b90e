import { describe, expect, it } from '@jest/globals';
import { examine } from '../../../src/doctor/diagnose.js';
import { workload } from './support/manifest.js';

const inFile = (name: string, text: string) => {
  const { findings, notes } = examine([{ name, text }]);
  return { said: findings.map(({ severity, rule, object }) => `${severity} ${rule} ${object.name}`), notes };
};
const started = (command: string) => inFile('a.yaml', workload({ readiness: '', container: `command: ${command}` }));

describe('examine, of programs that are not of node', () => {
  it.each([
    ['[uvicorn, "main:app"]', 'uvicorn'],
    ['[/usr/bin/java, -jar, app.jar]', 'java'],
    ['[sh, -c, "python3 manage.py migrate && gunicorn app:app"]', 'python3'],
    ['[nginx, -g, "daemon off;"]', 'nginx'],
  ])('leaves out %s', (command, runtime) => {
    expect(started(command)).toEqual({ said: [], notes: [expect.stringContaining(`(${runtime})`)] });
  });

  it.each(['[node, dist/main.js]', '[sh, -c, "nginx & exec node dist/main.js"]', '[supervisord, -n]', '[/app/server]'])(
    'looks at %s',
    (command) => {
      expect(started(command).said).toContain('fault no-readiness-probe shop');
    },
  );

  it('leaves out processes, services and images of such', () => {
    expect(inFile('Procfile', 'web: gunicorn app:app\n').said).toEqual([]);
    expect(inFile('Dockerfile', 'FROM debian:12\nCMD uvicorn main:app\n')).toEqual({
      said: [],
      notes: ['Dockerfile was left out, for it does not start node (uvicorn)'],
    });
    const service = (command: string) =>
      `services:\n  a:\n    image: a/b\n    command: ${command}\n    ports: ["80:80"]\n`;
    expect(inFile('compose.yaml', service('celery -A a worker')).said).toEqual([]);
    expect(inFile('compose.yaml', service('node dist/main.js')).said).toEqual(['fault grace-budget a']);
  });
});

describe('examine, of a Compose file that builds its services', () => {
  const beside = (service: string) =>
    `services:\n  api: { build: ., stop_grace_period: 40s }\n  other: { ${service}, ports: ["80:80"] }\n`;

  it('doubts whether an image that is started as it is is an application', () => {
    expect(inFile('compose.yaml', beside('image: some/thing')).said).toEqual(['doubt grace-budget other']);
  });

  it('has no doubt of what is built, or started with node', () => {
    expect(inFile('compose.yaml', beside('build: ./other')).said).toEqual(['fault grace-budget other']);
    expect(inFile('compose.yaml', beside('image: some/thing, command: node a.js')).said).toEqual([
      'fault grace-budget other',
    ]);
  });

  it('does not check a service of an override, for what it leaves out is no default', () => {
    const text = 'services:\n  api: { ports: ["9229:9229"] }\n  worker: { image: a/b, stop_grace_period: 40s }\n';
    const { findings, notChecked } = examine([{ name: 'docker-compose.override.yml', text }]);
    expect(findings).toEqual([]);
    expect(notChecked.map(({ line, what }) => `${line} ${what.split(',')[0]!}`)).toEqual(['2 service api']);
  });

  it('does not check a service that is built of another stage than the last', () => {
    const notChecked = (build: string, dockerfile: string) =>
      examine([
        { name: 'compose.yaml', text: `services:\n  api: { build: ${build}, stop_grace_period: 40s }\n` },
        { name: 'Dockerfile', text: dockerfile },
      ]).notChecked.map(({ what }) => what);
    const stages = 'FROM node:22 AS dev\nCMD ["npm", "run", "dev"]\nFROM node:22 AS prod\nCMD ["node", "main.js"]\n';
    expect(notChecked('{ context: ., target: dev }', stages)).toEqual([
      'service api is built of stage dev, and the last one is read',
    ]);
    expect(notChecked('{ context: ., target: prod }', stages)).toEqual([]);
    expect(notChecked('{ context: ./, target: prod, dockerfile: ./Dockerfile }', stages)).toEqual([]);
    expect(notChecked('.', stages)).toEqual([]);
  });

  it('has no doubt where nothing is built', () => {
    const text = beside('image: some/thing').replace('build: .', 'image: some/api');
    expect(inFile('compose.yaml', text).said).toEqual(['fault grace-budget other']);
  });
});

describe('examine, of an ECS task definition', () => {
  it('says which container was left out', () => {
    const text = JSON.stringify({
      family: 'shop',
      containerDefinitions: [
        { name: 'api', image: 'x/api' },
        { name: 'logs', image: 'public.ecr.aws/aws-observability/aws-for-fluent-bit' },
        { name: 'datadog', image: 'datadog/agent' },
      ],
    });
    expect(inFile('taskdef.json', text).notes).toContainEqual(
      expect.stringMatching(/^ECS task definition shop, container datadog, was left out/),
    );
  });

  it('advises the names of a stack in a stack', () => {
    const text = [
      'Resources:',
      '  Task:',
      '    Type: AWS::ECS::TaskDefinition',
      '    Properties:',
      '      ContainerDefinitions:',
      '        - { Name: api, Image: x/api, StopTimeout: 5, Command: [npm, start] }',
    ].join('\n');
    const fixes = examine([{ name: 'stack.yaml', text }]).findings.map(({ fix }) => fix);
    expect(fixes).toEqual([
      'Set StopTimeout: 30, or shorten the parts.',
      'Start node itself: Command: ["node", "dist/main.js"].',
    ]);
  });
});

describe('examine, of a systemd unit', () => {
  it('says nothing of one that runs to an end', () => {
    const unit = (type: string) => `[Service]\nType=${type}\nExecStart=/usr/bin/node migrate.js\nKillMode=none\n`;
    expect(inFile('a.service', unit('oneshot')).said).toEqual([]);
    expect(inFile('a.service', unit('simple')).said).toEqual(['fault systemd-kill-mode a']);
  });
});
