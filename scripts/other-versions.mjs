/**
 * Other versions of Node and of Nest, each installed from npm once, into `.cache`. Nest's folders lie below the
 * repository: what they do not hold themselves (Jest, clients, types) is found in its own node_modules.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './setup-sample.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

const all = (version, ...names) => Object.fromEntries(names.map((name) => [`@nestjs/${name}`, version]));
const beside = ['microservices', 'platform-socket.io', 'testing', 'websockets'];

/**
 * The lowest and the highest version of each major that the peer range allows; the highest of 12 are the repository's
 * own. Packages that were published later than the others begin at the version given here.
 */
export const nests = {
  '11-lowest': {
    ...all('11.0.0', 'common', 'core', 'platform-express', 'terminus', ...beside),
    // The first that asks for Nest 11.
    ...all('11.0.3', 'platform-fastify'),
    ...all('11.0.5', 'platform-ws'),
  },
  '11-highest': {
    ...all('11.2.10', 'common', 'core', 'platform-express'),
    ...all('11.2.8', 'platform-fastify'),
    ...all('11.2.6', 'platform-ws', ...beside),
    ...all('11.1.1', 'terminus'),
    ...all('13.4.5', 'apollo', 'graphql', 'mercurius'),
  },
  '12-lowest': {
    // 12.0.0 of the core asks for Nest 11 beside it.
    ...all('12.0.1', 'common', 'core', 'platform-express', 'testing'),
    ...all('12.0.0', 'terminus'),
    ...all('12.0.1', 'microservices', 'platform-fastify', 'platform-socket.io', 'platform-ws', 'websockets'),
  },
};

/** Installs a major version of Node. Returns the path of its binary. */
export function installNode(major) {
  const folder = join(root, '.cache/node', major);
  const name = `node-${process.platform}-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${major}`], folder);
  return node;
}

/**
 * Installs these packages, unless they are there already.
 *
 * @param {string} name of the folder
 * @param {Record<string, string>} packages by name, their versions or tags
 * @returns {string} the folder
 */
export function installNest(name, packages) {
  const folder = join(root, '.cache/nest', name);
  const stamp = join(folder, 'node_modules/.wanted');
  const wanted = JSON.stringify(packages);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder;
  mkdirSync(folder, { recursive: true });
  // An ES module like the repository: its sources are copied here.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const specs = Object.entries(packages).map(([each, version]) => `${each}@${version}`);
  const flags = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--legacy-peer-deps'];
  npm(['install', ...flags, ...specs, 'reflect-metadata@0.2.2', 'rxjs@7.8.2'], folder);
  writeFileSync(stamp, wanted);
  return folder;
}

/**
 * Puts the applications of the brokers project, and the built package, beside that Nest. What they need of brokers'
 * clients is found in the repository's node_modules.
 *
 * @param {string} name of `nests`
 * @returns {string} the folder of the applications
 */
export function brokerApplicationsOn(name) {
  const folder = installNest(name, nests[name]);
  const applications = 'test/brokers/apps';
  cpSync(join(root, applications), join(folder, applications), { recursive: true });
  for (const each of ['dist', 'package.json']) {
    cpSync(join(root, each), join(folder, 'node_modules/nestjs-drain', each), { recursive: true });
  }
  return join(folder, applications);
}
