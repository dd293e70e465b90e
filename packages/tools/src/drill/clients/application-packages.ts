import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadInputError } from '../errors.js';

/** What the application has installed: the drill speaks to it with its own client libraries. */
export class ApplicationPackages {
  private readonly require: NodeJS.Require;
  private readonly folder: string;

  constructor(folder = '.') {
    this.folder = resolve(folder);
    this.require = createRequire(join(this.folder, 'package.json'));
  }

  has(name: string): boolean {
    try {
      this.require.resolve(name);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws BadInputError, in a line, when none of these is there */
  needs(names: readonly string[], what: string): void {
    if (names.some((name) => this.has(name))) return;
    throw new BadInputError(
      `${what} needs ${names.join(' or ')} in ${this.folder}, and it is not there: install it, or go to the application.`,
    );
  }

  /** What a package exports. @throws BadInputError, in a line, when it is not there */
  async load<Exports>(name: string, what: string): Promise<Exports> {
    this.needs([name], what);
    const loaded = (await import(pathToFileURL(this.require.resolve(name)).href)) as Exports & { default?: Exports };
    // Not every export of CommonJS can be seen by name.
    return { ...loaded.default, ...loaded };
  }
}
