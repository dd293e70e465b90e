import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadInputError } from '../errors.js';
import { sleep } from '../timing.js';

/** The environment variable that tells a replica its file. */
export const ledgerEnv = 'DRILL_LEDGER';
const pollMs = 50;
/** As `UniqueIds` makes them. */
const anyId = /\b[0-9a-f]{8}-{1,2}\d+\b/;

/** One execution of a message. */
export interface Execution {
  readonly id: string;
  /** The name of the replica, where each has a file of its own. */
  readonly replica?: string;
}

/**
 * Who has executed which message: the application appends a line with the id each time a handler runs. Each replica has
 * a file of its own, which `DRILL_LEDGER` names; or the application keeps one elsewhere, at a path or a URL.
 */
export class Ledger {
  private readonly folder?: string;

  /** @param kept a path or an http URL; without one, each replica gets a file */
  constructor(private readonly kept?: string) {
    if (kept === undefined) this.folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-ledger-'));
  }

  /** What a replica needs in its environment. */
  environmentOf(replica: string): Record<string, string> {
    return this.folder === undefined ? {} : { [ledgerEnv]: join(this.folder, replica) };
  }

  /** Everything that was executed so far, in no order. */
  async read(): Promise<Execution[]> {
    if (this.folder === undefined) return executionsOf(await contentOf(this.kept!));
    return readdirSync(this.folder).flatMap((replica) =>
      executionsOf(readFileSync(join(this.folder!, replica), 'utf8'), replica),
    );
  }

  /** Resolves to what `read()` gives once it satisfies the test, or the time is up. */
  async readUntil(
    isEnough: (executions: readonly Execution[]) => boolean,
    withinMs: number,
    signal?: AbortSignal,
  ): Promise<Execution[]> {
    const until = performance.now() + withinMs;
    for (;;) {
      const executions = await this.read();
      if (isEnough(executions) || performance.now() >= until || signal?.aborted) return executions;
      await sleep(pollMs, signal);
    }
  }

  remove(): void {
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}

function executionsOf(text: string, replica?: string): Execution[] {
  return text.split('\n').flatMap((line) => {
    const [id] = anyId.exec(line) ?? [];
    return id === undefined ? [] : [{ id, replica }];
  });
}

async function contentOf(kept: string): Promise<string> {
  try {
    if (!/^https?:/.test(kept)) return readFileSync(kept, 'utf8');
    const answer = await fetch(kept);
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return await answer.text();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // It may be written only when there is something to write.
    if (code === 'ENOENT') return '';
    throw new BadInputError(`The ledger ${kept} cannot be read: ${code ?? message}.`, { cause: error });
  }
}
