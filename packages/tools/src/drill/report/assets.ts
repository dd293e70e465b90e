import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a report carries besides its data: the charting library, and the page's own script and style. */
export interface ReportAssets {
  readonly library: { readonly script: string; readonly style: string; readonly licence: string };
  readonly page: { readonly script: string; readonly style: string };
}

/** A bundler replaces this name by the assets themselves (esbuild: `define`), so that a bundle needs no file beside it. */
declare const NESTJS_DRAIN_REPORT_ASSETS: ReportAssets;

const pageScripts = ['theme', 'dots', 'lanes', 'tooltip', 'keyboard', 'roll-chart', 'start'];

/** The assets of the bundle this runs in; outside of a bundle, those of the checkout in the current folder. */
export function reportAssets(): ReportAssets {
  return typeof NESTJS_DRAIN_REPORT_ASSETS === 'undefined'
    ? readReportAssets(process.cwd())
    : NESTJS_DRAIN_REPORT_ASSETS;
}

/** Reads them from a checkout of the repository with its dependencies installed. Throws when a file is missing. */
export function readReportAssets(root: string): ReportAssets {
  const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8');
  const library = (file: string): string => read('node_modules', 'uplot', file);
  const page = (file: string): string => read('src', 'drill', 'report', 'page', file);
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

/** Without doc comments and indentation: they are read here, not in every report. None of these files has a string of several lines. */
function slim(source: string): string {
  return source.replace(/\/\*\*?[\s\S]*?\*\//g, '').replace(/^\s+|^\s*\/\/.*\n/gm, '');
}
