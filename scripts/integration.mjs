/**
 * Runs the integration suite on other versions of Node and Nest: `node scripts/integration.mjs [--thinned]
 * [<node>:<nest> …]`, where `<node>` is a major version or `own`, and `<nest>` a name of `nests` in `other-versions.mjs`
 * or `own`. The default is a thinned matrix: with `npm run test:integration` each version occurs once. Every test runs
 * on Express and on Fastify. With `--thinned` each file of the suite is run in one of the cells.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { installNest, installNode, nests, root } from './other-versions.mjs';

/** Tests of the tools meet no other part of Nest, and run with the repository's own versions alone. */
const ofTools = 'integration/(drill|testing)/';

/**
 * Controls show what the repository's own Nest and Node lose without the module. Others lose it in other ways, or hang.
 */
const controls = '[Ww]ithout the module';
/** Nest 11 makes no instance of its own for each client of a gateway of request scope. */
const scopedGateways = 'handleDisconnect of request scope';

/** What cannot be so on a version: files that import what came later, and tests of what that Nest does not do. */
const notOn = {
  '11-lowest': {
    files: ['websockets/leaving'],
    // Its Fastify adapter has no `use()` before `init()`.
    names: [scopedGateways, 'in a testing module as well'],
  },
  '11-highest': {
    // @nestjs/apollo 13 closes its WebSocket server twice, and app.close() rejects: with the module and without.
    names: [scopedGateways, 'GraphQL with Apollo'],
  },
};

/**
 * Runs the suite. Resolves with whether it passes.
 *
 * @param paths of the files to run, instead of all that can be run there
 */
export async function runIntegration(nodeName, nestName, { packages = nests[nestName], paths } = {}) {
  const node = nodeName === 'own' ? process.execPath : installNode(nodeName);
  const folder = nestName === 'own' ? root : putTogether(nestName, packages);
  const nodeVersion = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const name = `Node ${nodeVersion}, Nest ${versionOfNest(folder)}`;
  const results = join(root, `.cache/integration-${nodeName}-${nestName}.json`);
  const { names = [] } = notOn[nestName] ?? {};
  const jest = ['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')];
  const args = ['--selectProjects', 'integration', '--maxWorkers=2'];
  if (paths) args.push('--runTestsByPath', ...paths);
  else args.push('--testPathIgnorePatterns', ...ignoredOn(nestName, packages));
  args.push('--testNamePattern', `^(?!.*(${[controls, ...names].join('|')})).*$`);
  try {
    await promisify(execFile)(node, [...jest, ...args, '--json', `--outputFile=${results}`], {
      cwd: folder,
      maxBuffer: 2 ** 28,
    });
  } catch (error) {
    console.error(error.stderr);
    console.error(`${name}: the integration suite fails`);
    return false;
  }
  const { numPassedTests, startTime, testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const seconds = Math.round((Math.max(...testResults.map(({ endTime }) => endTime)) - startTime) / 1_000);
  console.log(`${name}: the integration suite passes, ${numPassedTests} tests in ${seconds} s`);
  return true;
}

/** A copy of the sources beside that version of Nest, where Node and Jest find it first. */
function putTogether(name, packages) {
  if (!packages) throw new Error(`Expected one of ${Object.keys(nests).join(', ')} and own, got '${name}'.`);
  const folder = installNest(name, packages);
  // Some tests drive their clients with the tools.
  for (const each of ['src', 'test', 'packages/tools/src']) {
    rmSync(join(folder, each), { recursive: true, force: true });
    cpSync(join(root, each), join(folder, each), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist|consumers)(\/|$)/.test(path.slice(root.length)),
    });
  }
  for (const each of ['jest.config.js', 'jest.config.mjs', 'tsconfig.json', '.swcrc']) {
    if (existsSync(join(root, each))) cpSync(join(root, each), join(folder, each));
  }
  return folder;
}

function versionOfNest(folder) {
  return JSON.parse(readFileSync(join(folder, 'node_modules/@nestjs/core/package.json'), 'utf8')).version;
}

/** Patterns of the files that cannot be run on a version of Nest. */
function ignoredOn(nestName, packages = nests[nestName]) {
  return [ofTools, ...(notOn[nestName]?.files ?? []), ...whatIsMissingIn(nestName, packages)];
}

/** Deals the files of the suite out to the cells, each to one in which it can be run. */
function dealtTo(cells) {
  const dealt = new Map(cells.map((cell) => [cell, []]));
  const files = readdirSync(join(root, 'test/integration'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
  for (const [index, file] of files.entries()) {
    const path = `test/integration/${file}`;
    const turns = cells.map((_, turn) => cells[(index + turn) % cells.length]);
    const cell = turns.find(([, nest]) => !ignoredOn(nest).some((pattern) => new RegExp(pattern).test(path)));
    if (cell) dealt.get(cell).push(path);
  }
  return dealt;
}

/** Suites of packages that are not installed there would be run on the repository's own Nest. */
function whatIsMissingIn(name, packages) {
  return name === 'own' || packages['@nestjs/graphql'] ? [] : ['integration/graphql'];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { thinned: { type: 'boolean', default: false } },
  });
  const named = positionals.length > 0 ? positionals : ['22:11-lowest', '24:11-highest', '26:12-lowest'];
  const cells = named.map((each) => each.split(':')).map(([node, nest = 'own']) => [node, nest]);
  const dealt = values.thinned ? dealtTo(cells) : undefined;
  let areAllPassed = true;
  for (const cell of cells) {
    areAllPassed = (await runIntegration(...cell, { paths: dealt?.get(cell) })) && areAllPassed;
  }
  process.exit(areAllPassed ? 0 : 1);
}
