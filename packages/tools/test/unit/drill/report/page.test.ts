import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { outcomes } from '../../../../src/drill/outcomes.js';
import { readReportAssets } from '../../../../src/drill/report/assets.js';

const folder = resolve('packages/tools/src/drill/report/page');
const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));

describe("The page's script", () => {
  /** It runs in a browser: the compiler of the package does not know that world, and does not see these files. */
  it('keeps to its types', () => {
    const library = resolve('node_modules/uplot/dist/uPlot.d.ts');
    const program = ts.createProgram([...scripts.map((name) => join(folder, name)), library], {
      allowJs: true,
      checkJs: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      moduleDetection: ts.ModuleDetectionKind.Legacy,
    });
    const found = ts.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
      return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(found).toEqual([]);
  }, 60_000);

  it('consists of every file of its folder', () => {
    const { page } = readReportAssets();
    for (const name of scripts) {
      const [first] = /^(function|class) \w+/m.exec(readFileSync(join(folder, name), 'utf8')) ?? ['const figure of'];
      expect(page.script).toContain(first);
    }
  });

  it('writes text, never markup', () => {
    const { page } = readReportAssets();
    expect(page.script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/);
  });

  it('has a colour for every outcome', () => {
    const { page } = readReportAssets();
    for (const kind of Object.keys(outcomes)) {
      expect(page.style).toContain(`.shape-${kind} {`);
      expect(page.style).toContain(`--${kind}:`);
    }
  });

  it('gives every colour it asks for in both schemes', () => {
    const { page } = readReportAssets();
    const [light = '', dark = ''] = page.style.split('@media screen and (prefers-color-scheme: dark)');
    const names = (text: string): string[] => [
      ...new Set([...text.matchAll(/(--[a-z-]+):/g)].map(([, name]) => name ?? '')),
    ];
    const darkNames = names(dark.slice(0, dark.indexOf('* {')));
    expect(
      names(light)
        .filter((name) => name !== '--surface')
        .sort(),
    ).toEqual(darkNames.sort());
  });
});
