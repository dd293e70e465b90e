/**
 * Sets a sample up with the package as it stands in this checkout: `node scripts/setup-sample.mjs <sample-dir>`.
 * Builds and packs the package, installs the sample's dependencies and that tarball, and builds the sample; each step
 * only when something it depends on has changed. Neither the sample's package.json nor its lock file is touched.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const buildInputs = ['src', 'scripts/build.mjs', 'package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.cjs.json'];

/** @param {string} sampleDir relative to the working directory, or absolute */
export function setupSample(sampleDir) {
  const sample = resolve(sampleDir);
  buildPackage();
  const installed = installSample(sample, packPackage());
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

export function buildPackage() {
  // The last file that the build writes.
  const last = join(root, 'dist/cjs/package.json');
  if (
    !isOlder(
      last,
      buildInputs.map((input) => join(root, input)),
    )
  )
    return;
  say('Building nestjs-drain');
  npm(['run', '--silent', 'build']);
}

/** The path of the tarball. Packing the same files gives the same bytes. */
function packPackage() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  // It has been built: `prepack` would do it again.
  npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', cache], root, ['ignore', 'ignore', 'inherit']);
  return join(cache, `${name}-${version}.tgz`);
}

/** Reports whether anything had to be installed. */
function installSample(sample, tarball) {
  const modules = join(sample, 'node_modules');
  const stamp = join(modules, '.nestjs-drain');
  const wanted = hashOf([tarball, ...inSample(sample, ['package.json', 'package-lock.json'])]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  say(`Installing the dependencies of ${sample}`);
  // npm takes a package of the same version for the same package.
  rmSync(join(modules, 'nestjs-drain'), { recursive: true, force: true });
  rmSync(join(modules, '.package-lock.json'), { force: true });
  // `npm ci` would ask the registry for nestjs-drain. This takes all else as the lock file has it, and saves nothing.
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', tarball], sample);
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

/** Reports whether a file is missing, or older than anything in these files and folders (a folder knows of deletions). */
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
