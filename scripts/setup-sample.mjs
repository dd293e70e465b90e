/**
 * Sets a sample up with the packages as they stand in this checkout: `node scripts/setup-sample.mjs <sample-dir>`.
 * Builds and packs both packages, installs the sample's dependencies and those tarballs, and builds the sample; each
 * step only when something it depends on has changed. Neither the sample's package.json nor its lock file is touched.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = ['scripts/build.mjs', 'tsconfig.json'];
/** In the order in which they are built. `last` is the last file that the build writes. */
const packages = [
  {
    name: 'runtime',
    folder: '.',
    inputs: [
      ...shared,
      'src',
      'package.json',
      'nest-cli.json',
      'api-extractor.json',
      'api-extractor.client.json',
      'api-extractor.metrics.json',
    ],
    last: 'dist/index.d.ts',
  },
  {
    name: 'tools',
    folder: 'packages/tools',
    inputs: [
      ...shared,
      ...['src', 'package.json', 'tsconfig.json', 'tsconfig.cjs.json'].map((input) => `packages/tools/${input}`),
      // It is compiled against the types of the runtime.
      'dist/index.d.ts',
    ],
    last: 'packages/tools/dist/cjs/package.json',
  },
];

/** @param {string} sampleDir relative to the working directory, or absolute */
export function setupSample(sampleDir) {
  const sample = resolve(sampleDir);
  buildPackages();
  // A folder for each sample: several may be set up side by side.
  const packed = join(root, '.cache/packed', relative(root, sample).replaceAll(/[^\w.-]+/g, '-'));
  const installed = installSample(
    sample,
    packages.map((each) => packPackage(each, packed)),
  );
  if (
    installed ||
    isOlder(join(sample, 'dist/main.js'), inSample(sample, ['src', 'tsconfig.json', 'tsconfig.build.json']))
  ) {
    say(`Building ${sampleDir}`);
    npm(['run', '--silent', 'build'], sample);
  }
}

/** Runs npm, the very one that runs this script if one does, and throws when it fails. */
export function npm(args, cwd = root, stdio = 'inherit') {
  const self = process.env.npm_execpath;
  if (self?.endsWith('npm-cli.js')) execFileSync(process.execPath, [self, ...args], { cwd, stdio });
  else execFileSync('npm', args, { cwd, stdio, shell: process.platform === 'win32' });
}

/** Builds each package that is older than what it is made of. */
export function buildPackages() {
  for (const { name, inputs, last } of packages) {
    const paths = inputs.map((input) => join(root, input));
    if (!isOlder(join(root, last), paths)) continue;
    say(`Building the ${name}`);
    npm(['run', '--silent', 'build', '--', name]);
  }
}

/** The path of the tarball. Packing the same files gives the same bytes. */
function packPackage({ folder }, destination) {
  const home = join(root, folder);
  const { name, version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  mkdirSync(destination, { recursive: true });
  // It has been built: `prepack` would do it again.
  npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', destination], home, [
    'ignore',
    'ignore',
    'inherit',
  ]);
  return join(destination, `${name}-${version}.tgz`);
}

/** Reports whether anything had to be installed. */
function installSample(sample, tarballs) {
  const modules = join(sample, 'node_modules');
  const stamp = join(modules, '.nestjs-drain');
  const wanted = hashOf([...tarballs, ...inSample(sample, ['package.json', 'package-lock.json'])]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  say(`Installing the dependencies of ${sample}`);
  // npm takes a package of the same version for the same package.
  for (const name of ['nestjs-drain', 'nestjs-drain-tools'])
    rmSync(join(modules, name), { recursive: true, force: true });
  rmSync(join(modules, '.package-lock.json'), { force: true });
  // `npm ci` would ask the registry for nestjs-drain. This takes all else as the lock file has it, and saves nothing.
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], sample);
  writeFileSync(stamp, wanted);
  return true;
}

function inSample(sample, names) {
  return names.map((name) => join(sample, name)).filter((path) => existsSync(path));
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/**
 * Reports whether a file is missing, or older than anything in these files and folders (a folder knows of deletions).
 */
function isOlder(file, inputs) {
  if (!existsSync(file)) return true;
  const builtAt = statSync(file).mtimeMs;
  const isNewer = (path) => {
    const stats = statSync(path);
    return (
      stats.mtimeMs > builtAt || (stats.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name))))
    );
  };
  return inputs.some(isNewer);
}

function say(line) {
  console.log(`> ${line}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , sampleDir] = process.argv;
  if (!sampleDir) {
    console.error('Usage: node scripts/setup-sample.mjs <sample-dir>');
    process.exit(2);
  }
  setupSample(sampleDir);
}
