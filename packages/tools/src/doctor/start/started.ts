import { type ObjectName, type Place } from '../finding.js';
import { type Container, type Start, type Workload } from '../model.js';
import { type Dockerfile, execForm, type Instruction } from '../read/dockerfile.js';
import { nameOf } from '../rule.js';
import { chainsOf } from './chain.js';
import { habitatOf, type Known, shellFormOf } from './habitat.js';
import { plainWords } from './lines.js';
import { type Chain, type Step } from './step.js';

/** What is started, be it said by an image, by its platform, or by both together. */
export interface Started {
  readonly at: Place;
  readonly on: ObjectName;
  /** How one writes there what is to be started without a shell. */
  readonly exec: (words: readonly string[]) => string;
  readonly chains: readonly Chain[];
  /** The line of a shell form, which Dockerfiles alone have. */
  readonly shellForm?: string;
  /** Whom the platform signals, if not the first process alone. */
  readonly signalled?: Workload['signalled'];
}

/** What there is to look at. */
export interface Stage extends Known {
  readonly workloads: readonly Workload[];
  readonly dockerfiles: readonly Dockerfile[];
}

/** Everything that is started. What a workload puts in the place of an image's command hides it. */
export function startedIn(stage: Stage): readonly Started[] {
  const { workloads, dockerfiles } = stage;
  // Which of several images a workload runs is not said.
  const only = dockerfiles.length === 1 ? dockerfiles[0] : undefined;
  const byWorkloads = workloads.flatMap((workload) =>
    workload.containers.flatMap((container) => startedBy(workload, container, only, stage) ?? []),
  );
  return [
    ...byWorkloads,
    ...dockerfiles.filter((each) => isUsed(each, dockerfiles, workloads)).flatMap((each) => ofImage(each, stage)),
  ];
}

/** Reports whether some container starts what its image says, as far as can be told. */
export function isUsed(
  { entrypoint }: Dockerfile,
  images: readonly Dockerfile[],
  workloads: readonly Workload[],
): boolean {
  const starts = workloads.flatMap(({ containers }) => containers.map(({ start }) => start));
  return starts.length < images.length || starts.some((start) => !overrides(start, entrypoint));
}

/** A command in the place of CMD leaves the ENTRYPOINT as it is: both together are looked at where they are joined. */
function overrides(start: Start | undefined, entrypoint: Instruction | undefined): boolean {
  if (!start) return false;
  return start.entrypoint !== undefined || start.line !== undefined || start.command !== undefined || !entrypoint;
}

function startedBy(
  workload: Workload,
  container: Container,
  dockerfile: Dockerfile | undefined,
  known: Known,
): Started | undefined {
  const { start, image } = container;
  if (!start) return undefined;
  const habitat = habitatOf(dockerfile, known, image);
  const words = wordsOf(start, dockerfile);
  if (words.length === 0) return undefined;
  return {
    at: start.at,
    on: nameOf(workload, container),
    exec: start.exec,
    chains: chainsOf(words, habitat),
    signalled: workload.signalled,
  };
}

/** What an image's ENTRYPOINT and CMD come to, with what a platform puts in their place. */
export function wordsOf({ entrypoint, command, line }: Start, image: Dockerfile | undefined): readonly string[] {
  if (line !== undefined) return plainWords(line) ?? ['sh', '-c', line];
  const before =
    entrypoint ?? (image?.entrypoint && (execForm(image.entrypoint) ?? shellWords(image, image.entrypoint)));
  return [...(before ?? []), ...(command ?? [])];
}

function ofImage(image: Dockerfile, known: Known): readonly Started[] {
  const habitat = habitatOf(image, known);
  const { entrypoint, cmd } = image;
  const entry = entrypoint && execForm(entrypoint);
  // A shell-form ENTRYPOINT ignores CMD; one in exec form is wrong on its own, or is completed by CMD.
  const last = entrypoint && (!entry || isBroken(chainsOf(entry, habitat))) ? entrypoint : (cmd ?? entrypoint);
  if (!last) return [];
  const ofCmd = cmd ? (execForm(cmd) ?? shellWords(image, cmd)) : [];
  const words = entrypoint ? (entry ? [...entry, ...ofCmd] : shellWords(image, entrypoint)) : ofCmd;
  const chains = chainsOf(words, habitat);
  const exec = (each: readonly string[]) => {
    const own = last === cmd && entry && startsWith(each, entry) ? each.slice(entry.length) : each;
    const list = `${last.name} [${own.map((word) => JSON.stringify(word)).join(', ')}]`;
    return last === entrypoint && cmd && entry ? `${list} and no CMD` : list;
  };
  const shellForm = execForm(last) ? undefined : last.text;
  const on = { kind: 'Dockerfile', name: image.file };
  return [{ at: last.place, on, exec, chains, shellForm }];
}

function shellWords(image: Dockerfile, { text }: Instruction): readonly string[] {
  return [...shellFormOf(image).split(' '), text];
}

function startsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, at) => words[at] === word);
}

function isBroken(chains: readonly Chain[]): boolean {
  return chains.some((chain) => chain.some(isInTheWay));
}

/** Reports whether it ends the application in its own way, even where that gets the signal itself. */
function endsEarly({ kind }: Step): boolean {
  return kind === 'development-runner' || kind === 'process-manager';
}

/** Reports whether the signal is lost there, or may be. */
export function isInTheWay({ passing }: Step): boolean {
  return passing !== 'execs' && passing !== 'forwards';
}

/** The steps of all chains that lose the signal, or may, with how sure that is: the first of each kind. */
export function troublesIn({
  chains,
  signalled,
}: Pick<Started, 'chains' | 'signalled'>): readonly { step: Step; chain: Chain; isSure: boolean }[] {
  const troubles = new Map<string, { step: Step; chain: Chain; isSure: boolean }>();
  for (const chain of chains) {
    for (const step of chain) {
      if (!isInTheWay(step) || (signalled === 'each' && !endsEarly(step))) continue;
      const key = `${step.kind} ${step.at?.file ?? ''}`;
      const isSure =
        step.passing !== 'unknown' &&
        (signalled === undefined || endsEarly(step)) &&
        chains.every((each) => each.some((other) => other.kind === step.kind && isInTheWay(other)));
      const known = troubles.get(key);
      if (!known || (isSure && !known.isSure)) troubles.set(key, { step, chain, isSure });
    }
  }
  return [...troubles.values()];
}

/** Reports whether a step is said in a package.json. */
export function isOfPackage(packages: Known['packages'], { at, kind }: Step): boolean {
  return kind !== 'package-manager' && at !== undefined && packages.some(({ file }) => file === at.file);
}

/** What to start instead, as far as the chain tells: the words of node, behind what passes the signal on. */
export function nodeWordsOf(chain: Chain, step: Step): readonly string[] | undefined {
  const node = chain.findLast(({ kind }) => kind === 'node');
  if (!node || node.words.some((word) => /[$`*]/.test(word))) return undefined;
  return [...step.before, ...node.words];
}
