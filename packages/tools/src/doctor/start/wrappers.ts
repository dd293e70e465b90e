import { basename } from 'node:path';
import { type Passing, type StepKind } from './step.js';

/** How a program that starts another one is called. */
interface Wrapper {
  readonly passing: Passing;
  readonly kind?: StepKind;
  /** Flags that are followed by their value. */
  readonly valued?: string;
  /** Words of its own before the command: a user, a time. */
  readonly operands?: number;
  /** A word of its own that must come first, such as `run`. */
  readonly verb?: string;
  /** Reports whether `NAME=value` may stand before the command. */
  readonly takesVariables?: boolean;
  /** A flag whose value is a line for a shell. */
  readonly line?: string;
  /** The flag that changes signals. */
  readonly rewrites?: string;
  readonly why?: string;
}

/** What a wrapper starts. */
export interface Wrapped {
  readonly wrapper: Wrapper;
  /** The words before the command, the wrapper's own included. */
  readonly before: readonly string[];
  readonly command: readonly string[];
  /** The line that it gives to a shell. */
  readonly line?: string;
  /** The signal that it sends in the place of SIGTERM. */
  readonly signal?: string;
}

const execs = { passing: 'execs' } as const;
const forwards = { passing: 'forwards' } as const;
const init = { passing: 'forwards', kind: 'init' } as const;

/** Each is either documented to do so, or measured: docs/doctor.md has the sources. */
const wrappers: Readonly<Record<string, Wrapper>> = {
  tini: { ...init, valued: '-e -p' },
  'tini-static': { ...init, valued: '-e -p' },
  'dumb-init': { ...init, valued: '-r --rewrite', rewrites: '-r --rewrite' },
  'docker-init': { ...init, valued: '-e -p' },
  catatonit: init,
  exec: { ...execs, valued: '-a' },
  command: execs,
  env: { ...execs, valued: '-u --unset -C --chdir', takesVariables: true, line: '-S --split-string' },
  nice: { ...execs, valued: '-n --adjustment' },
  ionice: { ...execs, valued: '-c --class -n --classdata' },
  chrt: { ...execs, valued: '-T -P -D', operands: 1 },
  taskset: { ...execs, operands: 1 },
  nohup: execs,
  stdbuf: { ...execs, valued: '-i -o -e --input --output --error' },
  prlimit: execs,
  numactl: { ...execs, valued: '-m -N -C -i -p' },
  chroot: { ...execs, operands: 1 },
  setarch: { ...execs, operands: 1 },
  setpriv: {
    ...execs,
    valued:
      '--reuid --regid --ruid --euid --rgid --egid --groups --inh-caps --ambient-caps --bounding-set --securebits ' +
      '--pdeathsig --selinux-label --apparmor-profile --landlock-access --landlock-rule --seccomp-filter',
  },
  gosu: { ...execs, operands: 1 },
  'su-exec': { ...execs, operands: 1 },
  's6-setuidgid': { ...execs, operands: 1 },
  setuidgid: { ...execs, operands: 1 },
  chpst: { ...execs, valued: '-u -U -b -n -e -m -d -o -p -f -c -t -r -/' },
  softlimit: { ...execs, valued: '-m -a -d -s -l -o -p -f -c -t -r' },
  runuser: { ...execs, valued: '-u --user -g --group -G --supp-group' },
  sudo: { ...forwards, valued: '-u --user -g --group -h -p -C -r -t -T', takesVariables: true },
  timeout: { ...forwards, valued: '-s --signal -k --kill-after', operands: 1 },
  'wait-for-it.sh': { ...execs, valued: '-h -p -t', operands: 1 },
  'wait-for-it': { ...execs, valued: '-h -p -t', operands: 1 },
  'wait-for': { ...execs, valued: '-t', operands: 1 },
  'wait-for.sh': { ...execs, valued: '-t', operands: 1 },
  'with-contenv': execs,
  'cross-env': { ...forwards, takesVariables: true },
  'cross-env-shell': { ...forwards, takesVariables: true },
  dotenv: { ...forwards, valued: '-e -v -c -f --file', verb: 'run?' },
  dotenvx: {
    passing: 'cuts',
    verb: 'run',
    valued: '-f --env-file -fk -fv -e --env -o --convention',
    why: 'it passes SIGTERM on, and sends SIGKILL 5 s later, however long the drain may take',
  },
  'env-cmd': {
    passing: 'cuts',
    valued: '-f --file -r --rc-file -e --environments',
    why: 'it passes SIGTERM on, and ends at once, before node has drained',
  },
  'dd-trace-run': execs,
  'nestjs-drain': {
    ...forwards,
    verb: 'serve',
    valued:
      '--workers --ready --ready-timeout --probation --grace --hang-limit --balance --control --cwd --watch-release ' +
      '--status-port',
  },
  dockerize: {
    passing: 'cuts',
    valued: '-wait -timeout -template -stdout -stderr -wait-http-header -wait-retry-interval -delims -env -env-section',
    why: 'it passes SIGTERM on, and sends SIGKILL 10 s later, however long the drain may take',
  },
  doppler: {
    ...forwards,
    verb: 'run',
    valued: '-p --project -c --config -t --token --fallback --mount --name-transformer --command',
    line: '--command',
  },
  infisical: {
    ...forwards,
    verb: 'run',
    valued: '--env -e --path --projectId --token --tags -t --command -c --domain',
    line: '--command -c',
  },
  op: { ...forwards, verb: 'run', valued: '--env-file --account --environment' },
  chamber: { ...execs, verb: 'exec', operands: 1 },
  'aws-vault': { ...execs, verb: 'exec', operands: 1, valued: '-d --duration --region' },
  'vault-env': execs,
  'secrets-init': { ...forwards, valued: '--provider' },
  time: { passing: 'swallows', why: 'it waits, and does not pass SIGTERM on' },
  setsid: { passing: 'unknown', why: 'it may start another process, and end at once' },
  su: {
    passing: 'unknown',
    operands: 1,
    valued: '-s --shell -g --group',
    line: '-c --command',
    why: 'it may stay in between, and send SIGKILL 2 s after SIGTERM',
  },
};

/** What a command starts in its turn; `undefined`, when its program is no wrapper that is known. */
export function unwrap(words: readonly string[]): Wrapped | undefined {
  const wrapper = wrapperNamed(basename(words[0] ?? ''));
  if (!wrapper) return undefined;
  const has = (list: string | undefined, word: string) => list?.split(' ').includes(word) ?? false;
  let at = 1;
  if (wrapper.verb !== undefined) {
    if (words[at] === wrapper.verb.replace('?', '')) at++;
    else if (!wrapper.verb.endsWith('?')) return undefined;
  }
  let operands = wrapper.operands ?? 0;
  let line: string | undefined;
  let signal: string | undefined;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === '-') continue; // `su - node`: a login shell
    if (word === '--') {
      at++;
      if (operands === 0) break;
      continue;
    }
    if (/^-./.test(word)) {
      const [flag, inline] = flagOf(word);
      const isValued = inline === undefined && has(wrapper.valued, flag);
      const value = inline ?? (isValued || has(wrapper.line, flag) ? words[at + 1] : undefined);
      if (has(wrapper.line, flag)) line = value;
      if (has(wrapper.rewrites, flag)) signal = rewritten(value) ?? signal;
      if (value !== undefined && inline === undefined) at++;
      continue;
    }
    if (wrapper.takesVariables && /^\w+=/.test(word)) continue;
    if (operands === 0) break;
    operands--;
  }
  return { wrapper, before: words.slice(0, at), command: words.slice(at), line, signal };
}

function wrapperNamed(name: string): Wrapper | undefined {
  return Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
}

/** `--flag=value` and `-r15:2` hold their value. */
function flagOf(word: string): readonly [flag: string, value?: string] {
  const [, long, value] = /^(--?[\w-]+)=(.*)$/s.exec(word) ?? [];
  if (long !== undefined) return [long, value];
  const [, short, rest] = /^(-r)(\d+:\d+)$/.exec(word) ?? [];
  return short === undefined ? [word] : [short, rest];
}

/** `15:2` turns SIGTERM into SIGINT; 0 drops it. */
function rewritten(pair = ''): string | undefined {
  const [from, to] = pair.split(':');
  if (from !== '15' || to === undefined || to === '15') return undefined;
  return signalNames[to] ?? (to === '0' ? 'no signal' : `signal ${to}`);
}

const signalNames: Readonly<Record<string, string>> = {
  '1': 'SIGHUP',
  '2': 'SIGINT',
  '3': 'SIGQUIT',
  '9': 'SIGKILL',
  '10': 'SIGUSR1',
  '12': 'SIGUSR2',
  '15': 'SIGTERM',
};

/** A signal as `SIGTERM`, however it is written: `TERM`, `15`, `"SIGTERM"`. */
export function signalName(written: string): string {
  const bare = written
    .trim()
    .replace(/^["']|["']$/g, '')
    .toUpperCase();
  if (/^\d+$/.test(bare)) return signalNames[bare] ?? `signal ${bare}`;
  return bare.startsWith('SIG') ? bare : `SIG${bare}`;
}
