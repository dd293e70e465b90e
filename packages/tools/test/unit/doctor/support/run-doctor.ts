import { resolve } from 'node:path';
import { Command } from 'commander';
import { doctorCommand } from '../../../../src/doctor/command.js';
import { type Diagnosis } from '../../../../src/doctor/diagnose.js';
import { folder } from './fixtures.js';

const fixtures = resolve(folder);

class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface World {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly hasColour?: boolean;
}

/** Runs the command in this process. Standard input that is not given is never to be read. */
export async function doctor(args: readonly string[], world: World = {}): Promise<Run> {
  const { cwd = fixtures, stdin, hasColour = false } = world;
  let out = '';
  let err = '';
  const command = doctorCommand({
    cwd,
    stdin: async () => {
      if (stdin === undefined) throw new Error('Standard input is read, though nobody asks for it.');
      return stdin;
    },
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    hasColour,
    flush: async () => {},
    exit: (code) => {
      throw new Exit(code);
    },
  });
  try {
    await new Command('nestjs-drain').addCommand(command).parseAsync(['doctor', ...args], { from: 'user' });
  } catch (error) {
    if (error instanceof Exit) return { code: error.code, out, err };
    throw error;
  }
  throw new Error('Expected the command to end the process.');
}

/** What is said with `--json`, and the exit code. */
export async function doctorJson(
  args: readonly string[],
  world?: World,
): Promise<Diagnosis & { readonly code: number }> {
  const { code, out, err } = await doctor(['--json', ...args], world);
  if (err !== '') throw new Error(`Expected JSON, got ${err}`);
  return { code, ...(JSON.parse(out) as Diagnosis) };
}
