/**
 * Builds both packages, or one of them: `node scripts/build.mjs [runtime|tools]`. The tools are compiled against the
 * built runtime.
 *
 * Each entry of the runtime becomes one file of ES modules for `import` and `module-sync`, one of CommonJS for
 * `require`, and one of types; what imports nothing of Nest is in a file that both share. `nest build` compiles it first,
 * for esbuild does not write the metadata of decorators.
 */
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const builders = { runtime: buildRuntime, tools: buildTools };
const [only] = process.argv.slice(2);
if (only !== undefined && !Object.hasOwn(builders, only)) {
  console.error(`Usage: node scripts/build.mjs [${Object.keys(builders).join('|')}]`);
  process.exit(2);
}
process.chdir(root);

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Peers, which are the application's own.
  packages: 'external',
  logLevel: 'warning',
  minify: true,
  // The package is limited in size, and each line that is broken costs bytes.
  lineLimit: 1_000,
};

/** Modules are strict by themselves. Elsewhere a function that is called without `this` would get the global object. */
const commonJs = { format: 'cjs', banner: { js: '"use strict";' } };

async function buildRuntime() {
  for (const folder of ['dist', '.cache/esm']) rmSync(folder, { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { stdio: 'inherit' });
  await buildOnce('client', '.cache/esm/client/index.js', 'api-extractor.client.json');
  await buildOnce('metrics', '.cache/esm/metrics/index.js', 'api-extractor.metrics.json');
  const core = await coreOf('.cache/esm/index.js');
  await build({ ...common, ...commonJs, stdin: core.entry, outfile: 'dist/core-code.cjs', plugins: [namesOfClasses] });
  // Node reads CommonJS for the names that it exports when a module imports it: of all the code that took it 30 ms.
  writeFileSync('dist/core.cjs', "exports.core = require('./core-code.cjs');\n");
  // The supervisor, and what its workers load before the application.
  for (const [entry, name] of [
    ['command', 'serve'],
    ['preload/index', 'serve-worker'],
  ]) {
    await build({ ...common, ...commonJs, entryPoints: [`.cache/esm/serve/${entry}.js`], outfile: `dist/${name}.cjs` });
  }
  // The file that is written last must be of this one: whoever asks whether the build is older than its source looks at
  // it.
  await buildEntry('index', '.cache/esm/index.js', 'api-extractor.json', [core.plugin, namesOfClasses]);
}

async function buildEntry(name, entry, extractor, plugins) {
  const options = { ...common, entryPoints: [entry], plugins };
  // Node runs this one, for `require` as well.
  await build({ ...options, format: 'esm', outfile: `dist/${name}.js` });
  // Jest takes this one, and bundlers.
  await build({ ...options, ...commonJs, outfile: `dist/${name}.cjs` });
  writeTypes(name, extractor);
}

function writeTypes(name, extractor) {
  rollUpTypes(extractor, `dist/${name}.d.cts`);
  // An ES module may import CommonJS, and its types; the other way round some compilers object.
  writeFileSync(`dist/${name}.d.ts`, `export * from './${name}.cjs';\n`);
}

/**
 * An entry that imports nothing of Nest (rxjs is CommonJS on Node, however it is imported): its ES module hands on what
 * stands in the CommonJS.
 */
async function buildOnce(name, entry, extractor) {
  const outfile = `dist/${name}.cjs`;
  const options = { ...common, entryPoints: [entry], outfile, plugins: [namesOfClasses] };
  const { metafile } = await build({ ...options, format: 'esm', write: false, metafile: true });
  await build({ ...options, ...commonJs });
  writeFileSync(
    `dist/${name}.js`,
    `export { ${metafile.outputs[outfile].exports.join(', ')} } from './${name}.cjs';\n`,
  );
  writeTypes(name, extractor);
}

/**
 * The part of an entry that imports nothing of Nest, which is most of it. It is there once, in CommonJS, and both forms
 * of the entry import it: what imports Nest has to be in the form that Nest is loaded in, and all else need not be there
 * twice.
 */
async function coreOf(entry) {
  const { metafile } = await build({ ...common, entryPoints: [entry], format: 'esm', write: false, metafile: true });
  const needsNest = new Set();
  const meetsNest = (file) =>
    metafile.inputs[file].imports.some(({ path }) => /^@nestjs\//.test(path) || needsNest.has(path));
  const files = Object.keys(metafile.inputs);
  for (let before = -1; before !== needsNest.size;) {
    before = needsNest.size;
    for (const file of files) if (meetsNest(file)) needsNest.add(file);
  }
  // For each file of the core, what the others import of it, and by which name the core exports it.
  const exported = new Map(files.filter((file) => !needsNest.has(file)).map((file) => [resolve(file), new Map()]));
  let count = 0;
  for (const file of needsNest) {
    // As TypeScript writes them: `import { a, b as c } from './d.js'`, and the same with `export`.
    for (const [, names, from] of readFileSync(file, 'utf8').matchAll(
      /^(?:im|ex)port \{([^}]*)\} from '(\.[^']+)'/gm,
    )) {
      const taken = exported.get(resolve(dirname(file), from));
      for (const name of taken ? names.split(',').map((each) => each.trim().split(' ')[0]) : []) {
        if (name && !taken.has(name)) taken.set(name, `_${(count++).toString(36)}`);
      }
    }
  }
  const lines = (names, from) => `export { ${[...names].map(([own, other]) => `${own} as ${other}`)} } from '${from}';`;
  const contents = [...exported].filter(([, names]) => names.size > 0).map(([file, names]) => lines(names, file));
  const plugin = {
    name: 'core',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir, namespace }) => {
        if (namespace === 'core') return { path, external: true };
        const file = resolve(resolveDir, path);
        return exported.has(file) ? { path: file, namespace: 'core' } : undefined;
      });
      // One module imports the file, and all others have it from there: each import costs bytes.
      build.onResolve({ filter: /^core$/ }, ({ path }) => ({ path, namespace: 'core' }));
      build.onLoad({ filter: /./, namespace: 'core' }, ({ path }) => {
        if (path === 'core') return { contents: "export { core } from './core.cjs';" };
        const names = [...exported.get(path)].map(([own, name]) => `export const ${own} = core.${name};`);
        return { contents: ["import { core } from 'core';", ...names].join('\n') };
      });
    },
  };
  return { entry: { contents: contents.join('\n'), resolveDir: root }, plugin };
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
  // All that is in there is public.
  const types = readFileSync(join(root, file), 'utf8');
  writeFileSync(join(root, file), types.replaceAll(/(\n *\*)?\n *\* @publicApi(?=\n)/g, ''));
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
