import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';

/** What is run: the real folder and the real files, however a link may be moved later. */
export interface Release {
  /** Counts from 1: each reload is another one. */
  readonly version: number;
  /** The folder, with no link in its path. */
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Where releases are found: paths that a deployment may point elsewhere. */
export interface ReleaseSource {
  readonly folder: string;
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Follows the links of today. A worker that is started again later runs this very release, and not the one that a link
 * points to by then.
 *
 * @throws Error when the folder is missing
 */
export function resolveRelease({ folder, command, args }: ReleaseSource, version: number): Release {
  return { version, folder: realpathSync(folder), command, args: args.map(pinned) };
}

function pinned(argument: string): string {
  return isAbsolute(argument) && existsSync(argument) ? realpathSync(argument) : argument;
}

/** The current folder as whoever went there calls it, with links in it. */
export function logicalFolder(environment: NodeJS.ProcessEnv = process.env, real = process.cwd()): string {
  const { PWD } = environment;
  try {
    return PWD !== undefined && isAbsolute(PWD) && realpathSync(PWD) === realpathSync(real) ? PWD : real;
  } catch {
    return real;
  }
}
