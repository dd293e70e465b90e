#!/usr/bin/env node
/**
 * The command `nestjs-drain`. `serve`, and what speaks to it, are in this package, for they run in production. `drill`
 * and `doctor` are those of nestjs-drain-tools, a package of its own: the one that the application in the current
 * folder has installed, or else one beside this package.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ownCommands = ['serve', 'reload', 'status', 'stop', 'scale'];
const args = process.argv.slice(2);
if (ownCommands.includes(args[0])) {
  const { run } = createRequire(import.meta.url)('../dist/serve.cjs');
  // An exit would cut what is still to be written.
  process.exitCode = await run(args, fileURLToPath(new URL('../dist/serve-worker.cjs', import.meta.url)));
} else {
  await runTools();
}

async function runTools() {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const tools = resolvedFrom(join(process.cwd(), 'package.json')) ?? resolvedFrom(import.meta.url);

  if (tools) {
    const { run } = await import(pathToFileURL(tools).href);
    await run(version);
  } else if (['--version', '-V'].includes(process.argv[2])) {
    console.log(version);
  } else {
    console.error(
      'nestjs-drain: drill and doctor are in a package of their own: npm install --save-dev nestjs-drain-tools',
    );
    process.exitCode = 2;
  }
}

function resolvedFrom(place) {
  try {
    return createRequire(place).resolve('nestjs-drain-tools/cli');
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
