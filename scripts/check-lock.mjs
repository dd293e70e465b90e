/** A lock file that lacks an optional platform package installs on the machine that wrote it, and nowhere else. */
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
  Object.keys(optionalDependencies)
    .filter((name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`])
    .map((name) => `${path} -> ${name}`),
);
for (const each of missing) console.error(`package-lock.json lacks an optional package: ${each}`);
process.exit(missing.length > 0 ? 1 : 0);
