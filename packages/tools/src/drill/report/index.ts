import { createHash } from 'node:crypto';
import { readReportAssets, type ReportAssets } from './assets.js';
import { budgetOf } from './budget.js';
import { comment, element, html } from './html.js';
import { advice } from './sections/advice.js';
import { comparison } from './sections/comparison.js';
import { failuresByKind } from './sections/failures-by-kind.js';
import { method } from './sections/method.js';
import { picture, scaleOf } from './sections/picture.js';
import { roll } from './sections/roll.js';
import { failedIn, rolls } from './sections/rolls.js';
import { settings } from './sections/settings.js';
import { figures, headlineOf, verdict } from './sections/verdict.js';
import { dotsOf } from './thin.js';
import { type DrillResult, type Roll } from '../result.js';

export { readReportAssets, type ReportAssets } from './assets.js';

/**
 * The result as one HTML file that needs nothing else: it opens from disk, offline, and asks for nothing. Nothing in
 * the result, whatever an application printed, becomes markup or script; the page's own policy admits only the two
 * scripts and the style that are written here.
 *
 * @param before an earlier result, which is put beside this one
 */
export function htmlReport(
  result: DrillResult,
  { before, assets = readReportAssets() }: { readonly before?: DrillResult; readonly assets?: ReportAssets } = {},
): string {
  const { rolls: all, totals } = result;
  const printed = all.flatMap(({ replicas }) => replicas.filter(({ output }) => output));
  const budget = budgetOf(all.length, totals.failed, printed.length);
  const dots = dotsOf(all, budget.okDots);
  const worst = all.reduce<Roll | undefined>((a, b) => (a && failedIn(a) >= failedIn(b) ? a : b), undefined);
  const scripts = [assets.library.script, assets.page.script].map((script) => script.trim());
  const style = `${assets.library.style}\n${assets.page.style}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy(scripts, style)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="nestjs-drain" />
        <title>${headlineOf(result)}: rolling-restart drill</title>
        ${comment(`The charts are drawn by uPlot (https://github.com/leeoniya/uPlot):\n\n${assets.library.licence}`)}
        ${element('style', style)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the report</a>
        <main id="main" tabindex="-1">
          ${verdict(result)} ${before ? comparison(before, result) : picture(result, scaleOf([result]))}
          ${figures(result)}${advice(result)}${rolls(result)}
          <section aria-labelledby="timelines">
            <h2 id="timelines">Timelines</h2>
            <p>
              Each dot is a request, at the moment it was due and as high as it took long. Below it, on the same clock,
              what each replica did: its phases on top, then whether it was ready, then whether the balancer sent it
              connections.
            </p>
            ${all.map((each, index) =>
              roll(each, index, {
                dots: dots[index] ?? nothing,
                settings: result.settings,
                budget,
                isWorst: each === worst,
              }),
            )}
          </section>
          ${failuresByKind(result)}${settings(result)}${method}
        </main>
        <footer>
          <p>
            Made by the drill of nestjs-drain. Charts by uPlot, MIT licence. This file is complete: it asks the network
            for nothing.
          </p>
        </footer>
        ${scripts.map((script) => element('script', script))}
      </body>
    </html> `.text;
}

const nothing = { ok: [], oneOf: 1, failures: [], okTotal: 0, failedTotal: 0 };

function policy(scripts: readonly string[], style: string): string {
  const hashes = (texts: readonly string[]): string => texts.map((text) => `'sha256-${sha256(text)}'`).join(' ');
  return (
    `default-src 'none'; script-src ${hashes(scripts)}; style-src ${hashes([style])}; base-uri ` +
    "'none'; form-action 'none'"
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
