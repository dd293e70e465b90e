import { build } from 'esbuild';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Imports a file of TypeScript of this repository, with what it imports, into a plain Node. */
export async function importTypeScript(file) {
  const bundle = `${root}.cache/imported/${file.replaceAll('/', '-')}-${process.pid}.mjs`;
  await build({
    entryPoints: [`${root}${file}`],
    outfile: bundle,
    format: 'esm',
    bundle: true,
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  return import(pathToFileURL(bundle).href);
}
