import { type Command, type Statement } from 'unbash';
import { type Passing } from './step.js';
import { signalName } from './wrappers.js';

/** The words of a simple command, its name first; variables that are known are put in. */
export function wordsOf(
  node: Command,
  variables: ReadonlyMap<string, string>,
): { readonly words: readonly string[]; readonly hasParameters: boolean } {
  const given = [...(node.name ? [node.name] : []), ...node.args];
  const words = given.flatMap((each) => {
    if (each.type === 'Assignment') return [each.text];
    const [, name] = /^\$\{?(\w+)\}?$/.exec(each.value) ?? [];
    const value = name === undefined ? undefined : variables.get(name);
    if (each.value === '${@}') return ['$@'];
    if (value === undefined) return [each.value];
    return each.text.startsWith('"') ? [value] : value.split(/\s+/).filter(Boolean);
  });
  return { words, hasParameters: words.some((word) => word === '$@' || word === '$*') };
}

/** The variables that a command is given, as `NODE_ENV=production`; those that need a shell are left out. */
export function assignedBy({ prefix }: Command): readonly string[] {
  return prefix.flatMap((each) => {
    if (each.type !== 'Assignment' || each.value?.type !== 'Word' || /[$`]/.test(each.text)) return [];
    return [`${each.name}=${each.value.value}`];
  });
}

/** What a shell does on SIGTERM, by its `trap`. */
export interface Trap {
  /** The commands, and those of the functions that they call. */
  readonly body: string;
}

/** The traps of SIGTERM among what a `trap` sets. */
export function trapOf(
  words: readonly string[],
  functionNamed: (name: string) => readonly Statement[] | undefined,
  script: string,
): readonly Trap[] {
  const [action, ...signals] = words.filter((word) => word !== '--');
  if (action === undefined || action === '-' || !signals.some((each) => signalName(each) === 'SIGTERM')) return [];
  const called = action.split(/[\s;]+/).flatMap((name) => functionNamed(name) ?? []);
  const bodies = called.map(({ pos, end }) => script.slice(pos, end));
  return [{ body: [action, ...bodies].join('\n') }];
}

/** What becomes of the signal on its way to a command in the background. */
export function trappedPassing(
  traps: readonly Trap[],
  waits: number,
): { readonly passing: Passing; readonly why: string; readonly signal?: string } {
  const trap = traps.find(({ body }) => /\bp?kill\b/.test(body));
  if (!trap) return { passing: 'swallows', why: 'it has started the application in the background' };
  const [, sent] = /\bp?kill\s+(?:-s\s+)?-?(\w+)\s/.exec(trap.body) ?? [];
  const name = sent === undefined || /^\d{3,}$/.test(sent) ? 'SIGTERM' : signalName(sent);
  const signal = name === 'SIGTERM' ? undefined : name;
  if (name === 'SIGKILL') return { passing: 'cuts', why: 'its trap sends SIGKILL' };
  if (/\bwait\b/.test(trap.body) || waits > 1)
    return { passing: 'forwards', why: 'its trap passes SIGTERM on', signal };
  return { passing: 'cuts', why: 'its trap passes SIGTERM on, and then it ends without a second wait', signal };
}
