import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { rules } from '../../../src/doctor/rules/index.js';
import { temporaryFolder } from '../../../../../test/support/temporary-folder.js';
import { clean, mutated } from './support/fixtures.js';
import { doctor } from './support/run-doctor.js';

const faulty = mutated(clean.manifests, 'GracePeriodSeconds: 40', 'GracePeriodSeconds: 20').text;
const doubtful = mutated(clean.manifests, 'type: RollingUpdate', 'type: Recreate').text;

describe('nestjs-drain doctor', () => {
  it('ends with 0, and says what was assumed, when nothing is found', async () => {
    expect(await doctor(['clean/manifests.yaml', 'clean/Dockerfile'])).toEqual({
      code: 0,
      err: '',
      out:
        'Nothing found in 2 files.\n' +
        'Module options: the defaults, assumed (lame duck 5 to 10 s, drain 10 s, hooks 5 s, grace period 30 s); --app or --options tells yours.\n',
    });
  });

  it('ends with 1 when there is a fault, and prints the line and the fix', async () => {
    const { code, out } = await doctor([
      'tutorials/quick-start.yaml',
      'clean/Dockerfile',
      'tutorials/Dockerfile.start',
    ]);
    expect(code).toBe(1);
    expect(out.split('\n').slice(0, 6)).toEqual([
      expect.stringMatching(
        /^tutorials\/quick-start\.yaml:16 {2}fault {2}Deployment nest-api, container nest-api: There is no .*\. \[no-readiness-probe\]$/,
      ),
      expect.stringMatching(/^ {4}Add readinessProbe: .*\.$/),
      '',
      expect.stringMatching(/^tutorials\/Dockerfile\.start:5 {2}fault {2}'npm start' .* \[npm-as-pid-1\]$/),
      '    Start node itself: CMD ["node", "dist/main.js"].',
      '',
    ]);
    expect(out).toContain('2 faults, 0 doubts in 3 files.\n');
  });

  it('ends with 0 for doubts, and with 1 when they count', async () => {
    expect(await doctor(['-'], { stdin: doubtful })).toMatchObject({
      code: 0,
      out: expect.stringContaining('0 faults, 1 doubt in 1 file.'),
    });
    expect((await doctor(['--strict', '-'], { stdin: doubtful })).code).toBe(1);
    expect((await doctor(['--strict', 'clean/manifests.yaml'])).code).toBe(0);
  });

  it('reads what is piped in, alone or as one of the files', async () => {
    expect((await doctor(['-'], { stdin: faulty })).out).toMatch(/^\(stdin\):\d+ {2}fault/);
    const { out } = await doctor(['--json', '-', 'clean/Dockerfile'], { stdin: faulty });
    expect(JSON.parse(out)).toMatchObject({
      faults: 1,
      doubts: 0,
      files: ['(stdin)', 'clean/Dockerfile'],
      findings: [{ rule: 'grace-budget', file: '(stdin)', object: { kind: 'Deployment', name: 'orders' } }],
      notChecked: [],
    });
  });

  it('paints for a terminal alone', async () => {
    expect((await doctor(['-'], { stdin: faulty })).out).not.toContain('\u001b');
    expect((await doctor(['-'], { stdin: faulty, hasColour: true })).out).toContain('\u001b[31mfault');
  });

  it('takes the options that it is given', async () => {
    const given = await doctor(['--options', '{"drainTimeoutMs":25000,"gracePeriodMs":40000}', 'clean/manifests.yaml']);
    expect(given).toMatchObject({ code: 1, out: expect.stringContaining('drain 25 + hooks 5 + margin 1 = 41 s') });
    expect(given.out).toContain('Module options: those of --options (');
    expect((await doctor(['--keep-alive-ms', '5000', 'clean/manifests.yaml'])).out).toContain('[keep-alive]');
    expect((await doctor(['--container', 'orders', 'clean/manifests.yaml'])).code).toBe(0);
  });

  it("takes the options of the application's module", async () => {
    const { code, out } = await doctor(['--app', 'app/app.module.mjs', 'clean/manifests.yaml']);
    expect(out).toContain('drain 25 + hooks 5 + margin 1 = 41 s');
    expect(out).toContain('Module options: those of app/app.module.mjs (');
    expect(code).toBe(1);
  });

  it('says that the options of forRootAsync cannot be known', async () => {
    const { code, out } = await doctor(['--app', 'app/async-app.module.mjs', 'clean/manifests.yaml']);
    expect(out).toContain(
      'Module options: the defaults, assumed, for app/async-app.module.mjs uses forRootAsync(), whose options are made at bootstrap (',
    );
    expect(code).toBe(0);
  });

  it.each([
    [['nowhere.yaml'], 'nowhere.yaml: Expected a file to read: there is none. Check the path.'],
    [['--strickt'], "unknown option '--strickt'"],
    [['--keep-alive-ms', 'long'], "argument 'long' is invalid. Expected whole milliseconds, such as 65000."],
    [
      ['--options', '{drain: 1}', 'clean'],
      '--options: Expected JSON, such as \'{"drainTimeoutMs":20000}\', got {drain: 1}. Mind the quotes.',
    ],
    [
      ['--options', '{"drainTimeoutMs":-1}', 'clean'],
      '--options: Expected drainTimeoutMs to be whole milliseconds between 0 and',
    ],
    [['--options', '{"drain":1}', 'clean'], '--options: Expected drain to be one of drainTimeoutMs,'],
    [['--container', 'nobody', 'clean'], "--container: Expected the name of a container in the files, got 'nobody'."],
    [['--app', 'dist/app.module.js', 'clean'], 'dist/app.module.js: Expected a module to import: '],
    [
      ['--app', 'clean/ecosystem.config.cjs', 'clean'],
      'clean/ecosystem.config.cjs: Expected an exported module that imports GracefulShutdownModule.forRoot(), got none.',
    ],
    [['-'], '(stdin): Expected manifests, got nothing.'],
  ])('ends with 2 and one line for %j', async (args, message) => {
    const { code, out, err } = await doctor(args, { stdin: '' });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^nestjs-drain doctor: [^\n]+\n$/);
    expect(err).toContain(message);
  });

  it('has a help that names every option, every rule and every exit status, in lines of 80', async () => {
    const { code, out } = await doctor(['--help']);
    expect(code).toBe(0);
    for (const { id } of rules) expect(out).toContain(`\n  ${id} `);
    for (const option of ['--app', '--options', '--container', '--keep-alive-ms', '--json', '--strict', '--help']) {
      expect(out).toMatch(new RegExp(`^ +(-h, )?${option}`, 'm'));
    }
    expect(out).toContain('Examples:');
    expect(out).toMatch(/Exit status:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 /);
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('nestjs-drain doctor, without files', () => {
  let project: string;

  beforeEach(() => {
    project = temporaryFolder();
  });

  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  };
  const look = async (...args: string[]) => JSON.parse((await doctor(['--json', ...args], { cwd: project })).out);

  it('looks at the usual ones', async () => {
    write('Dockerfile', clean.dockerfile.text);
    write('package.json', clean.package.text);
    write('ecosystem.config.cjs', clean.pm2.text);
    write('k8s/app/deployment.yaml', clean.manifests.text);
    write('k8s/values.yaml', 'replicas: 3\n');
    write('k8s/README.md', 'kind: none');
    write('deploy/service.yml', 'kind: Service\n');
    expect(await look()).toMatchObject({
      findings: [],
      files: ['Dockerfile', 'package.json', 'ecosystem.config.cjs', 'k8s/app/deployment.yaml', 'deploy/service.yml'],
      notes: [],
      notChecked: [{ file: 'k8s/values.yaml', line: 1, what: 'it is of no format that is read here' }],
    });
  });

  it('leaves out what has to be rendered, and says how', async () => {
    write('k8s/base/kustomization.yaml', 'resources: [a.yaml]\n');
    write('k8s/base/a.yaml', 'kind: Deployment\n');
    write('deploy/Chart.yaml', 'name: a\n');
    expect(await doctor([], { cwd: project })).toMatchObject({
      code: 3,
      out: expect.stringContaining('Nothing found in 0 files, and 2 things not checked.\n'),
    });
    write('Dockerfile', clean.dockerfile.text);
    expect(await look()).toMatchObject({
      files: ['Dockerfile'],
      notChecked: [
        {
          file: 'k8s/base/kustomization.yaml',
          what: 'it has to be rendered first: kubectl kustomize k8s/base | nestjs-drain doctor -',
        },
        {
          file: 'deploy/Chart.yaml',
          what: 'it has to be rendered first: helm template deploy | nestjs-drain doctor -',
        },
      ],
    });
  });

  it('takes a folder as the manifests in it', async () => {
    write('here/a.yaml', clean.manifests.text);
    expect(await look('here')).toMatchObject({ files: ['here/a.yaml'] });
    write('empty/a.txt', '');
    expect(await doctor(['empty'], { cwd: project })).toMatchObject({
      code: 2,
      err: expect.stringContaining('empty: Expected a folder with files to read'),
    });
  });

  it('names one of several that is no text as not checked, and reads the others', async () => {
    write('Dockerfile', 'FROM node:22\nCMD ["npm", "start"]\n');
    write('k8s.yaml', 'kind: Pod\0');
    write('Procfile', 'web: \0');
    for (const names of [['k8s.yaml', 'Dockerfile'], []]) {
      const { code, out, err } = await doctor(names, { cwd: project });
      expect({ code, err }).toEqual({ code: 1, err: '' });
      expect(out).toContain('[npm-as-pid-1]');
      expect(out).toContain(`${names[0] ?? 'Procfile'}:1: Expected a text, got a binary file`);
    }
  });

  it('ends with 2 when there is none of them, or the only one is no text', async () => {
    expect(await doctor([], { cwd: project })).toMatchObject({
      code: 2,
      err: expect.stringContaining('render.yaml, compose.yaml, taskdef.json, k8s/, kubernetes/, deploy/, manifests/'),
    });
    write('Dockerfile', 'FROM\0');
    expect(await doctor([], { cwd: project })).toMatchObject({
      code: 2,
      err: 'nestjs-drain doctor: Dockerfile: Expected a text, got a binary file. Check which file it is.\n',
    });
  });
});
