import { type ObjectName, type Place } from '../finding.js';
import { nameOf } from '../rule.js';
import { type Scene } from '../scene.js';
import { type Trouble, troublesOf, troublesOfLine, wordsOf } from '../start-command.js';
import { execForm } from './dockerfile.js';

/** What a container starts, be it said by its image or by its pod. */
export interface Start {
  readonly at: Place;
  /** Left out: the file. */
  readonly on?: ObjectName;
  /** How one writes an exec form there. */
  readonly exec: (words: readonly string[]) => string;
  readonly troubles: readonly Trouble[];
  /** The words of the command, without the shell's if there is one. */
  readonly words: readonly string[];
  /** The line of a shell form, which Dockerfiles alone have. */
  readonly shellForm?: string;
}

export function startsOf(scene: Scene): readonly Start[] {
  return [...startsOfPods(scene), ...startsOfImages(scene)];
}

function* startsOfPods({ workloads }: Scene): Iterable<Start> {
  for (const workload of workloads) {
    for (const container of workload.containers) {
      const { start } = container;
      const words = [...(start?.entrypoint ?? []), ...(start?.command ?? [])];
      if (!start || words.length === 0) continue;
      const { at, exec } = start;
      yield { at, on: nameOf(workload, container), exec, words: innerWords(words), troubles: troublesOf(words) };
    }
  }
}

function* startsOfImages({ dockerfiles }: Scene): Iterable<Start> {
  for (const { entrypoint, cmd } of dockerfiles) {
    const entry = entrypoint && execForm(entrypoint);
    // A shell-form ENTRYPOINT ignores CMD; one in exec form is wrong on its own, or is completed by CMD.
    const isEntryAtFault = entrypoint && (!entry || troublesOf(entry).length > 0);
    const last = isEntryAtFault ? entrypoint : (cmd ?? entrypoint);
    if (!last) continue;
    const exec = (each: readonly string[]) => `${last.name} ${JSON.stringify(each).replaceAll('","', '", "')}`;
    const words = execForm(last);
    if (words) {
      const whole = [...(entry ?? []), ...((cmd && execForm(cmd)) ?? [])];
      yield { at: last.place, exec, words: innerWords(whole), troubles: troublesOf(whole) };
    } else {
      const troubles = troublesOfLine(last.text);
      yield { at: last.place, exec, words: innerWords(['sh', '-c', last.text]), troubles, shellForm: last.text };
    }
  }
}

/** What a shell runs in the end; the words themselves when there is no shell. */
function innerWords(words: readonly string[]): readonly string[] {
  const flag = words.findIndex((word, at) => at > 0 && /^-\w*c$/.test(word));
  return flag === -1 ? words : wordsOf(words[flag + 1] ?? '');
}
