import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const child = fileURLToPath(new URL('startup-child.mjs', import.meta.url));

/** How the package can be loaded, and the format of what Node or Jest then takes. */
const ways = [
  { name: 'import', how: 'import', format: 'esm', file: 'dist/index.js' },
  { name: 'require, by Node', how: 'require', format: 'esm', file: 'dist/index.js' },
  { name: 'require, of CommonJS', how: 'require', format: 'cjs', file: 'dist/index.cjs' },
];

/**
 * What it takes to load the package when Nest is loaded already, and what the same modules take in a bundle that
 * esbuild makes by itself, of the same format and loaded in the same way. Each load has a process of its own; the two
 * take turns at going first.
 */
export async function measureStartup({ repeats, progress }) {
  const rows = [];
  for (const { name, how, format, file } of ways) {
    const bundle = `${root}.cache/bench-startup-${process.pid}.${format === 'esm' ? 'mjs' : 'cjs'}`;
    await build({
      entryPoints: [`${root}.cache/esm/index.js`],
      outfile: bundle,
      format,
      bundle: true,
      platform: 'node',
      packages: 'external',
      minify: true,
      logLevel: 'error',
    });
    const times = { package: [], bundle: [] };
    const entries = { package: `${root}${file}`, bundle };
    for (let repeat = 0; repeat < repeats; repeat++) {
      progress(`startup: ${name}, ${repeat + 1} of ${repeats}`);
      const turn = repeat % 2 === 0 ? ['package', 'bundle'] : ['bundle', 'package'];
      for (const which of turn) times[which].push(load(how, entries[which]));
    }
    const [packageMs, bundleMs] = [median(times.package), median(times.bundle)];
    rows.push({ name, packageMs, bundleMs, ratio: packageMs / bundleMs, repeats });
  }
  return rows;
}

function load(how, entry) {
  return Number(execFileSync(process.execPath, ['--no-warnings', child, how, entry], { encoding: 'utf8' }));
}
