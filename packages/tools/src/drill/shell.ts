import { accessSync, constants, mkdirSync, symlinkSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { BadInputError } from './errors.js';

/**
 * Which shell the image has as `sh`: dash stays between npm and Node and keeps the signal, bash and that of BusyBox
 * step aside for the last command.
 *
 * @publicApi
 */
export type ShellName = 'dash' | 'busybox' | 'bash';

export const shells: readonly ShellName[] = ['dash', 'busybox', 'bash'];

/** A folder in which `sh` is another shell, for the commands of replicas: it stands first in their PATH. */
export class ShellFolder {
  /** What replicas have in their environment. */
  readonly environment: Readonly<Record<string, string>>;
  private readonly sh?: string;

  /** Throws a `BadInputError` when the shell is not installed. */
  constructor(folder: string, name?: ShellName) {
    if (name === undefined) {
      this.environment = {};
      return;
    }
    const bin = join(folder, 'bin');
    this.sh = join(bin, 'sh');
    mkdirSync(bin);
    // BusyBox is told by its own name which of its tools it is.
    symlinkSync(findInPath(name), this.sh);
    this.environment = {
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      npm_config_script_shell: this.sh,
    };
  }

  /** The command with that shell in the place of an `sh` that is named by its path. */
  commandOf(command: readonly string[]): readonly string[] {
    const [file = '', ...rest] = command;
    return this.sh !== undefined && file.includes('/') && basename(file) === 'sh' ? [this.sh, ...rest] : command;
  }
}

function findInPath(name: string): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  if (found) return found;
  throw new BadInputError(`--shell ${name} needs ${name} on this machine, and it is not in PATH: install it.`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
