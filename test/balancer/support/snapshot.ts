import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The built package and the applications that import it by name, as they were at one moment. */
export interface Snapshot {
  /** The script that runs an application: `main.mjs <express|fastify> <with|without>`. */
  readonly main: string;
  /** The same with all kinds of connections: `mixed.mjs <with|without>`. */
  readonly mixed: string;
  /** What was built, in a few characters: two figures with the same one are of the same code. */
  readonly fingerprint: string;
  remove(): void;
}

/**
 * Builds the package when it is stale, and copies it: whoever builds again while replicas are being rolled changes
 * nothing here. The copy lies below the checkout, whose `node_modules` it finds, and is a package of the same name, so
 * that its applications import 'nestjs-drain' as a user's do.
 */
export function takeSnapshot(root = process.cwd()): Snapshot {
  const build = `import('./scripts/setup-sample.mjs').then(({ buildPackages }) => buildPackages())`;
  execFileSync(process.execPath, ['-e', build], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'balancer-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'test/balancer/apps'), join(folder, 'apps'), { recursive: true });
  return {
    main: join(folder, 'apps/main.mjs'),
    mixed: join(folder, 'apps/mixed.mjs'),
    fingerprint: fingerprintOf([join(folder, 'dist'), join(folder, 'apps')]),
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

/** Of the code alone: what describes it changes nothing that is measured. */
function fingerprintOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.m?js$/.test(file))
      .sort();
    for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex').slice(0, 12);
}
