/** Packs the package and asks whether its types resolve for every kind of consumer. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'pack-'));
try {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { stdio: 'inherit' });
  const [tarball] = readdirSync(folder);
  execFileSync('npx', ['attw', join(folder, tarball)], { stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true });
}
