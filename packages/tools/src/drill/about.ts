import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type DrillOptions } from './drill-options.js';
import { type About } from './result.js';

/** What is drilled, as far as its folder tells: it heads every report. */
export function aboutOf({ title, cwd = '.' }: Pick<DrillOptions, 'title' | 'cwd'>): About {
  const folder = resolve(cwd);
  const service = manifestAbove(folder);
  return {
    title,
    service: service?.name,
    serviceVersion: service?.version,
    commit: commitOf(folder),
    node: process.versions.node,
    drain: versionOf('nestjs-drain', folder),
    nest: versionOf('@nestjs/core', folder),
  };
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

function manifestAbove(folder: string): Manifest | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = manifestIn(at);
    if (manifest?.name !== undefined || at === dirname(at)) return manifest;
  }
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** The version that code in this folder gets. A package need not export its manifest: it is looked for. */
function versionOf(name: string, folder: string): string | undefined {
  const found = createRequire(join(folder, 'main.js')).resolve.paths(name) ?? [];
  for (const modules of found) {
    const version = manifestIn(join(modules, name))?.version;
    if (version !== undefined) return version;
  }
  return undefined;
}

/** As `3f2a9c1`, with a `+` when there is more than is committed. */
function commitOf(folder: string): string | undefined {
  try {
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-C', folder, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 2_000,
      });
    const commit = git('rev-parse', '--short', 'HEAD').trim();
    return git('status', '--porcelain', '--untracked-files=no').trim() === '' ? commit : `${commit}+`;
  } catch {
    return undefined;
  }
}
