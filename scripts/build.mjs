/**
 * Builds the package twice from one source: ES modules for `import` and `module-sync`, CommonJS for `require`. Both are `nest build`; the CommonJS
 * one gets the `package.json` that marks its folder. The command is bundled from the same source, with what it needs inside and their licences
 * beside it: the package has no runtime dependency.
 *
 * `node scripts/build.mjs cli [folder]` bundles the command alone.
 */
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [part, folder = 'dist/cli'] = process.argv.slice(2);
if (part !== 'cli') {
  rmSync('dist', { recursive: true, force: true });
  for (const config of ['tsconfig.json', 'tsconfig.cjs.json']) {
    const nest = ['node_modules/@nestjs/cli/bin/nest.js', 'build', '-p', config];
    execFileSync(process.execPath, nest, { stdio: 'inherit' });
  }
  dropMaps('dist/cjs');
}
await bundleCommand(folder);
// The last file that is written: whoever asks whether the build is older than its source looks at it.
if (part !== 'cli') writeFileSync('dist/cjs/package.json', '{"type":"commonjs"}\n');

/** Node takes the ES modules for `require`, too: maps of the others would be a fifth of the package, for bundlers alone. */
function dropMaps(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (file.endsWith('.map')) rmSync(file);
    else if (/\.[jt]s$/.test(file)) {
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
    }
  }
}

async function bundleCommand(outdir) {
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const common = { bundle: true, platform: 'node', target: 'node20.19', outdir, metafile: true, logLevel: 'warning' };
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const command = await build({
    ...common,
    entryPoints: ['src/cli/nestjs-drain.ts'],
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    minify: true,
    define: {
      NESTJS_DRAIN_VERSION: JSON.stringify(version),
      NESTJS_DRAIN_REPORT_ASSETS: JSON.stringify(await reportAssets()),
    },
    banner: {
      // What is bundled from CommonJS asks for Node's own modules by `require`.
      js: "#!/usr/bin/env node\nimport { createRequire as createRequireOfNode } from 'node:module';\nconst require = createRequireOfNode(import.meta.url);",
    },
  });
  const observer = await build({
    ...common,
    entryPoints: ['src/drill/observer.ts'],
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
  chmodSync(join(outdir, 'nestjs-drain.mjs'), 0o755);
  writeFileSync(join(outdir, 'LICENSES.txt'), licencesOf([command.metafile, observer.metafile], ['uplot']));
}

/** What the report carries is text to the bundle: the module that reads it says which files. */
async function reportAssets() {
  const entryPoints = ['src/drill/report/assets.ts'];
  const { outputFiles } = await build({ entryPoints, bundle: true, platform: 'node', format: 'esm', write: false });
  const { readReportAssets } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  return readReportAssets(process.cwd());
}

/** The licence of every package that files were bundled from, and of those that are `embedded` as text. Throws where there is none. */
function licencesOf(metafiles, embedded) {
  const files = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const bundled = files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  const texts = [...new Set([...bundled, ...embedded])].sort().map((name) => {
    const home = join('node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    const file = existsSync(home) && readdirSync(home).find((each) => /^licen[cs]e/i.test(each));
    if (!file) throw new Error(`${name} has no licence to ship with it.`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(home, file), 'utf8').trim()}\n`;
  });
  return `The command contains these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
