/**
 * Builds the package twice from one source: ES modules for `import` and `module-sync`, CommonJS for `require`.
 * Both are `nest build`; the CommonJS one gets the `package.json` that marks its folder.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
for (const config of ['tsconfig.json', 'tsconfig.cjs.json']) {
  execFileSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build', '-p', config], { stdio: 'inherit' });
}
writeFileSync('dist/cjs/package.json', '{"type":"commonjs"}\n');
