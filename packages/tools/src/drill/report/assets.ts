import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a report carries besides its data: the charting library, and the page's own script and style. */
export interface ReportAssets {
  readonly library: { readonly script: string; readonly style: string; readonly licence: string };
  readonly page: { readonly script: string; readonly style: string };
}

const pageScripts = ['theme', 'dots', 'lanes', 'tooltip', 'keyboard', 'roll-chart', 'start'];

const pageFolder = fileURLToPath(new URL('./page/', import.meta.url));
const libraryFolder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));

/** Reads them from where they are installed. Throws when a file is missing. */
export function readReportAssets(): ReportAssets {
  const library = (file: string): string => readFileSync(join(libraryFolder, file), 'utf8');
  const page = (file: string): string => readFileSync(join(pageFolder, file), 'utf8');
  const parts = pageScripts.map((name) => page(`${name}.js`));
  return {
    library: {
      script: library('dist/uPlot.iife.min.js'),
      style: library('dist/uPlot.min.css'),
      licence: library('LICENSE'),
    },
    // They share their names with each other, and with nothing else on the page.
    page: { script: slim(`(() => {\n'use strict';\n${parts.join('\n')}})();`), style: slim(page('page.css')) },
  };
}

/**
 * Without doc comments and indentation: they are read here, not in every report. None of these files has a string of
 * several lines.
 */
function slim(source: string): string {
  return source.replace(/\/\*\*?[\s\S]*?\*\//g, '').replace(/^\s+|^\s*\/\/.*\n/gm, '');
}
