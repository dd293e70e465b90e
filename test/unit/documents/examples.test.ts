import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeExamples } from '../../support/documents.js';

const root = resolve('.');
const folder = join(root, '.cache', 'examples');

/** What the compiler prints about the examples, compiled in one program against the source. */
function complaints(): Promise<string> {
  const project = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      rootDir: root,
      declaration: false,
      declarationMap: false,
      typeRoots: [join(root, 'node_modules/@types')],
      paths: {
        'nestjs-drain': [join(root, 'src/index.ts')],
        'nestjs-drain/metrics': [join(root, 'src/metrics/index.ts')],
        'nestjs-drain-tools/testing': [join(root, 'packages/tools/src/testing/index.ts')],
      },
    },
    include: ['*/src'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((done) => {
    execFile(
      process.execPath,
      [compiler, '-p', folder, '--pretty', 'false'],
      { cwd: folder },
      (error, stdout, stderr) => done(stdout + stderr || (error?.message ?? '')),
    );
  });
}

describe('The examples of README and docs', () => {
  let names: readonly string[];

  beforeAll(() => {
    names = writeExamples(folder);
  });

  it('are found', () => {
    expect(names).toContain('quick-start');
    expect(names.length).toBeGreaterThan(10);
  });

  it('compile against the source', async () => {
    expect(await complaints()).toBe('');
  }, 120_000);
});
