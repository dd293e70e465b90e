/**
 * Builds both packages, or one of them: `node scripts/build.mjs [runtime|tools]`. The tools are compiled against the
 * built runtime.
 *
 * Each entry of the runtime becomes one file of ES modules for `import` and `module-sync`, one of CommonJS for
 * `require`, and one of types. `nest build` compiles it first, for esbuild does not write the metadata of decorators.
 */
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What can be imported of the runtime. Each is whole by itself: they share no state. */
const entries = [
  { name: 'client', entry: 'client/index', extractor: 'api-extractor.client.json' },
  { name: 'index', entry: 'index', extractor: 'api-extractor.json' },
];

const builders = { runtime: buildRuntime, tools: buildTools };
const [only] = process.argv.slice(2);
if (only !== undefined && !Object.hasOwn(builders, only)) {
  console.error(`Usage: node scripts/build.mjs [${Object.keys(builders).join('|')}]`);
  process.exit(2);
}
process.chdir(root);

async function buildRuntime() {
  for (const folder of ['dist', '.cache/esm']) rmSync(folder, { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { stdio: 'inherit' });
  const common = {
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    // Peers, which are the application's own.
    packages: 'external',
    logLevel: 'warning',
    minify: true,
    plugins: [namesOfClasses],
    lineLimit: 120,
  };
  // The file that is written last must be that of index: whoever asks whether the build is older than its source looks
  // at it.
  for (const { name, entry, extractor } of entries) {
    const entryPoints = [`.cache/esm/${entry}.js`];
    // Node runs this one, for `require` as well.
    await build({ ...common, entryPoints, format: 'esm', outfile: `dist/${name}.js` });
    // Jest takes this one, and bundlers.
    await build({ ...common, entryPoints, format: 'cjs', outfile: `dist/${name}.cjs` });
    rollUpTypes(extractor, `dist/${name}.d.cts`);
    // An ES module may import CommonJS, and its types; the other way round some compilers object.
    writeFileSync(`dist/${name}.d.ts`, `export * from './${name}.cjs';\n`);
  }
}

/** Nest's messages name the classes that it makes instances of, and errors are named by theirs. Others are made short. */
const namesOfClasses = {
  name: 'names-of-classes',
  setup(build) {
    build.onLoad({ filter: /\.js$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8');
      // As TypeScript writes a class that has a decorator, and as a class of errors is written.
      const classes = /^(?:let (\w+) = (?:\w+ = )?class \w+|export class (\w+) extends Error)/gm;
      const names = [...contents.matchAll(classes)].map(([, decorated, error]) => decorated ?? error);
      const named = names.map((name) => `Object.defineProperty(${name}, 'name', { value: '${name}' });\n`);
      return { contents: contents + named.join('') };
    });
  },
};

/** One file with the types of all that can be reached from the entry. */
function rollUpTypes(extractor, file) {
  const configObjectFullPath = join(root, extractor);
  const configObject = ExtractorConfig.loadFile(configObjectFullPath);
  configObject.apiReport = { enabled: false };
  configObject.dtsRollup = { enabled: true, untrimmedFilePath: join(root, file) };
  configObject.tsdocMetadata = { enabled: false };
  configObject.messages = { extractorMessageReporting: { default: { logLevel: 'none' } } };
  const packageJsonFullPath = join(root, 'package.json');
  const config = ExtractorConfig.prepare({ configObject, configObjectFullPath, packageJsonFullPath });
  const { succeeded } = Extractor.invoke(config, { localBuild: true, showVerboseMessages: false });
  if (!succeeded) throw new Error(`${file} could not be made.`);
}

/** ES modules of everything, and CommonJS of what tests import. */
function buildTools() {
  const tools = 'packages/tools';
  rmSync(`${tools}/dist`, { recursive: true, force: true });
  for (const config of ['tsconfig.json', 'tsconfig.cjs.json']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', `${tools}/${config}`], {
      stdio: 'inherit',
    });
  }
  // What the HTML report carries is read when it is written.
  cpSync(`${tools}/src/drill/report/page`, `${tools}/dist/esm/drill/report/page`, { recursive: true });
  // The last file that is written, as above.
  writeFileSync(`${tools}/dist/cjs/package.json`, '{"type":"commonjs"}\n');
}

for (const [name, builder] of Object.entries(builders)) if (only === undefined || only === name) await builder();
