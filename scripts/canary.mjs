/**
 * Runs the integration suite on what the tags `latest` and `next` of `@nestjs/*` stand for today: `npm run canary`. It
 * tells of a Nest that breaks this package before its users do, and is no step of CI, which must not depend on the day.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { nests, root } from './other-versions.mjs';
import { runIntegration } from './integration.mjs';

const names = Object.keys(nests['11-highest']);
let areAllPassed = true;
for (const tag of ['latest', 'next']) {
  const tagged = names.filter((name) => hasTag(name, tag));
  if (!tagged.includes('@nestjs/core')) {
    console.log(`@nestjs/core has no version tagged ${tag}: nothing to run.`);
    continue;
  }
  // A tag moves: what it stood for when it was installed last says nothing.
  rmSync(join(root, '.cache/nest', tag), { recursive: true, force: true });
  // What has no such version of its own goes with the latest.
  const packages = Object.fromEntries(names.map((name) => [name, tagged.includes(name) ? tag : 'latest']));
  areAllPassed = (await runIntegration('own', tag, { packages })) && areAllPassed;
}
process.exit(areAllPassed ? 0 : 1);

function hasTag(name, tag) {
  const tags = execFileSync('npm', ['view', name, 'dist-tags', '--json'], { encoding: 'utf8' });
  return tag in JSON.parse(tags);
}
