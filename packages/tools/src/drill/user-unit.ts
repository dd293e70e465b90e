import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from './errors.js';

const fileName = 'nestjs-drain-drill.conf';
const properties = ['Id', 'LoadState', 'ActiveState', 'Environment'] as const;

/**
 * Gives variables to a unit of the user's service manager, whose processes have an environment of their own. They are in
 * a file that adds to the unit, which is as it stands otherwise. Returns what takes them back.
 *
 * Throws a `BadInputError` when there is no such unit, or when it runs: a drill ends what it has started.
 */
export function giveToUnit(name: string, variables: Readonly<Record<string, string>>): () => void {
  const { Id = '', LoadState, ActiveState, Environment = '' } = shown(name);
  if (LoadState !== 'loaded')
    throw new BadInputError(`Expected a unit of the user, got '${name}', which is ${LoadState}. Install it first.`);
  if (ActiveState !== 'inactive' && ActiveState !== 'failed')
    throw new BadInputError(
      `${Id} is ${ActiveState}, and the drill would end it: stop it first, or drill a copy of it.`,
    );
  const { NODE_OPTIONS } = variables;
  const own = nodeOptionsIn(Environment);
  const given =
    NODE_OPTIONS === undefined ? variables : { ...variables, NODE_OPTIONS: `${own} ${NODE_OPTIONS}`.trim() };
  const folder = join(process.env.XDG_RUNTIME_DIR ?? '', 'systemd/user', `${Id}.d`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, fileName), dropIn(given));
  systemctl('daemon-reload');
  return () => {
    rmSync(join(folder, fileName), { force: true });
    try {
      systemctl('daemon-reload');
    } catch {
      // The service manager may be gone, and the unit with it.
    }
  };
}

/** A file that adds variables to a unit, as systemd.exec(5) has it. */
export function dropIn(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    const escaped = value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('%', '%%');
    return `Environment="${name}=${escaped}"`;
  });
  return ['[Service]', ...lines, ''].join('\n');
}

/** The NODE_OPTIONS of a unit, as `systemctl show` prints its environment. */
export function nodeOptionsIn(environment: string): string {
  const [, quoted, plain = ''] =
    /(?:^|\s)(?:"NODE_OPTIONS=((?:[^"\\]|\\.)*)"|NODE_OPTIONS=(\S*))/.exec(environment) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? plain;
}

function shown(name: string): Partial<Record<(typeof properties)[number], string>> {
  const lines = systemctl('show', `--property=${properties.join(',')}`, '--', name).split('\n');
  const pairs = lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)] as const);
  return Object.fromEntries(pairs) as Partial<Record<(typeof properties)[number], string>>;
}

function systemctl(...args: readonly string[]): string {
  const command = ['--user', ...args];
  try {
    return execFileSync('systemctl', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const said = (stderr || message).trim().split('\n')[0];
    throw new BadInputError(
      `'systemctl ${command.join(' ')}' failed; it said: ${said}. The drill needs the service manager of a user who is logged in.`,
      { cause: error },
    );
  }
}
