/**
 * Compares the public API of the built packages with the reports in `etc`, and fails when something is exported without
 * a description, or needs a type that is not exported. `node scripts/check-api.mjs --local` writes the reports anew.
 */
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const localBuild = process.argv.includes('--local');
const failures = [];
for (const name of [
  'api-extractor.json',
  'api-extractor.client.json',
  'api-extractor.metrics.json',
  'packages/tools/api-extractor.json',
  'packages/tools/api-extractor.testing.json',
]) {
  const config = ExtractorConfig.loadFileAndPrepare(`${root}${name}`);
  const { succeeded, apiReportChanged } = Extractor.invoke(config, { localBuild });
  if (!succeeded) failures.push(`${name}: the public API is not what its report says, or does not hang together.`);
  if (apiReportChanged)
    console.log(`${basename(config.reportFilePath)} has changed: look at the difference, and commit it.`);
  failures.push(...undocumented(config.reportTempFilePath));
}
for (const failure of failures) console.error(failure);
process.exit(failures.length > 0 ? 1 : 0);

/** The lines of a report that follow a mark of what has no description. */
function undocumented(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    if (!line.includes('(undocumented)')) return [];
    const owner = lines.slice(0, at + 2).findLast((each) => each.startsWith('export '));
    const name = /^export (?:\w+ )+?(\w+)\b(?=[^\w]|$)/.exec(owner)?.[1];
    return [`Undocumented in ${name}: ${lines[at + 1].trim()}`];
  });
}
