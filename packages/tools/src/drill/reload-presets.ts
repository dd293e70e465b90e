import { giveToUnit } from './user-unit.js';

/** How a group of processes is started, reloaded and ended. `$DRILL_PID` is the process that was started. */
export interface ReloadProcedure {
  /** What the result calls it. */
  readonly name: string;
  /** What is run instead of the command. @default the command as it is */
  readonly start?: (command: readonly string[], workers: number) => readonly string[];
  /** A line of shell. */
  readonly reload: string;
  /** A line of shell that ends the group, where ending what was started does not. */
  readonly end?: string;
  /** What all of these have in their environment; `folder` is theirs alone. */
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /**
   * Gives the group its environment, where whoever starts it has another one. Returns what takes it back. Throws a
   * `BadInputError` when that is not possible.
   */
  readonly give?: (command: readonly string[], variables: Readonly<Record<string, string>>) => () => void;
}

/** Files that PM2 takes for a list of applications. */
const ecosystemFile = /\.(config\.[cm]?[jt]s|json|ya?ml)$/;

/** What reloads groups of processes. */
export const reloadPresets = {
  /** A daemon of its own: it meets nothing else that PM2 runs here. */
  pm2: {
    name: 'pm2',
    start: ([file = '', ...args], workers) => [
      'pm2',
      'start',
      file,
      ...(ecosystemFile.test(file) ? args : ['-i', String(workers), ...(args.length > 0 ? ['--', ...args] : [])]),
    ],
    reload: 'pm2 reload all',
    end: 'pm2 kill',
    env: (folder) => ({ PM2_HOME: `${folder}/pm2` }),
  },
  serve: {
    name: 'serve',
    start: (command, workers) => ['nestjs-drain', 'serve', '--workers', String(workers), '--', ...command],
    reload: 'nestjs-drain reload',
    env: (folder) => ({ NESTJS_DRAIN_CONTROL: `${folder}/control.sock` }),
  },
  /** The command is the name of a unit of the user. */
  systemd: {
    name: 'systemd',
    give: ([unit = ''], variables) => giveToUnit(unit, variables),
    start: ([unit = '']) => ['systemctl', '--user', 'start', unit],
    reload: 'systemctl --user reload "$DRILL_COMMAND"',
    end: 'systemctl --user stop "$DRILL_COMMAND"',
  },
  /** A primary process of `node:cluster` that replaces its workers on SIGHUP. */
  cluster: { name: 'cluster', reload: 'kill -HUP "$DRILL_PID"' },
} as const satisfies Record<string, ReloadProcedure>;

/** A preset by its name; any other text is the line of shell that reloads. */
export function reloadProcedureOf(text: string): ReloadProcedure {
  return Object.hasOwn(reloadPresets, text)
    ? reloadPresets[text as keyof typeof reloadPresets]
    : { name: 'command', reload: text };
}
