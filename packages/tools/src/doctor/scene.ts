import { type Application } from './application.js';
import { BadInputError } from './bad-input.js';
import { type Beside, type Reading } from './formats/format.js';
import { formatOf } from './formats/index.js';
import { type NotChecked, type Workload } from './model.js';
import { type Dockerfile } from './read/dockerfile.js';
import { type Ecosystem } from './read/ecosystem.js';
import { roleOf } from './read/images.js';
import { type KubernetesObject } from './read/object.js';
import { type PackageJson } from './read/package-json.js';
import { type Program } from './read/program.js';
import { otherRuntimeOf } from './read/runtimes.js';
import { type Source } from './read/source.js';
import { type Unit } from './read/unit-file.js';

/** Everything that was read. */
export interface Scene {
  readonly application: Application;
  /** Those of the application that serve, or work, until they are stopped. */
  readonly workloads: readonly Workload[];
  readonly objects: readonly KubernetesObject[];
  readonly dockerfiles: readonly Dockerfile[];
  readonly packages: readonly PackageJson[];
  /** Scripts of a shell, by the path of their file. */
  readonly scripts: ReadonlyMap<string, string>;
  readonly ecosystems: readonly Ecosystem[];
  readonly programs: readonly Program[];
  readonly units: readonly Unit[];
  /** What there is to know and is no finding, a clause each. */
  readonly notes: readonly string[];
  readonly notChecked: readonly NotChecked[];
  /** Reports whether anything that starts something was among the files, jobs included. */
  readonly isAboutSomething: boolean;
  /** Why sources cannot be read; `notChecked` has them, too. */
  readonly errors: readonly BadInputError[];
}

/** What is looked at, and how files beside a source are read. */
export interface Scope {
  /** The application's container; left out: every one that is no database, proxy or agent. */
  readonly container?: string;
  /** The text of a file beside one that is read. */
  readonly readBeside?: (source: Source) => Beside;
}

/**
 * Reads each source by its format. One that cannot be read stops no other.
 *
 * @throws BadInputError when no workload has the container that is asked for
 */
export function readScene(sources: readonly Source[], application: Application, scope: Scope = {}): Scene {
  const readings: Reading[] = [];
  const errors: BadInputError[] = [];
  for (const source of sources) {
    try {
      const reading = readingOf(source, scope.readBeside?.(source) ?? besideIn(sources, source));
      readings.push(reading);
      errors.push(...(reading.errors ?? []));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      errors.push(error);
    }
  }
  const all = <T>(pick: (reading: Reading) => readonly T[] | undefined) =>
    readings.flatMap((reading) => pick(reading) ?? []);
  const { workloads, notes, notChecked } = applications(
    all((each) => each.workloads),
    scope.container,
  );
  return {
    application,
    workloads,
    objects: all((each) => each.objects),
    dockerfiles: all((each) => each.dockerfiles),
    packages: all((each) => each.packages),
    scripts: new Map(all((each) => each.scripts)),
    ecosystems: all((each) => each.ecosystems),
    programs: all((each) => each.programs),
    units: all((each) => each.units),
    notes: [...all((each) => each.notes), ...notes],
    notChecked: [
      ...errors.map(({ place: at, reason }) => ({ at, what: reason.replace(/\.$/, '') })),
      ...all((each) => each.notChecked),
      ...notChecked,
    ],
    isAboutSomething:
      readings.some(
        ({ workloads: read = [], dockerfiles = [], packages = [], ecosystems = [], programs = [] }) =>
          read.some(({ runsToAnEnd }) => runsToAnEnd) ||
          dockerfiles.length + packages.length + ecosystems.length + programs.length > 0,
      ) || workloads.length > 0,
    errors,
  };
}

function readingOf(source: Source, beside: Beside): Reading {
  if (source.text.trim() === '') {
    throw new BadInputError(
      source.name,
      'Expected a file of a known format, got an empty one. See whether what writes it has failed.',
    );
  }
  const format = formatOf(source);
  if (format) return format.read(source, beside);
  const seen = /\.(ya?ml|json)$/.test(source.name) ? "no object with a 'kind'" : 'something else';
  throw new BadInputError(
    source.name,
    `Expected a file of a format that nestjs-drain doctor --help lists, got ${seen}. Check which file it is.`,
  );
}

/** Where no disk is looked at, the other sources are what there is. */
function besideIn(sources: readonly Source[], { name }: Source): Beside {
  const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
  return (wanted) => sources.find((each) => each.name === `${folder}${wanted.replace(/^\.\//, '')}`)?.text;
}

/** The workloads of the application, with what stands beside it apart. */
function applications(
  all: readonly Workload[],
  name?: string,
): { workloads: readonly Workload[]; notes: readonly string[]; notChecked: readonly NotChecked[] } {
  const lasting = all.filter(({ runsToAnEnd }) => !runsToAnEnd);
  if (name !== undefined) return { ...withContainer(lasting, all.length > 0, name), notes: [] };
  const workloads: Workload[] = [];
  const notes: string[] = [];
  for (const workload of lasting) {
    const own = workload.containers.filter(({ image, start }) => !roleOf(image) && !otherRuntimeOf(start));
    const others = workload.containers.filter((each) => !own.includes(each));
    if (own.length > 0) workloads.push({ ...workload, containers: own, others });
    else notes.push(leftOut(workload));
  }
  return { workloads, notes, notChecked: [] };
}

function withContainer(lasting: readonly Workload[], isAsked: boolean, name: string) {
  const workloads = lasting.flatMap((workload) => {
    const containers = workload.containers.filter((each) => each.name === name);
    const others = workload.containers.filter((each) => each.name !== name && roleOf(each.image) !== undefined);
    return containers.length > 0 ? [{ ...workload, containers, others }] : [];
  });
  if (workloads.length === 0 && isAsked) {
    throw new BadInputError(
      '--container',
      `Expected the name of a container in the files, got '${name}'. Check its spelling.`,
    );
  }
  const notChecked = lasting
    .filter((each) => !workloads.some(({ at }) => at === each.at))
    .map(({ at, kind, name: its }) => ({ at, what: `${kind} ${its} has no container '${name}'` }));
  return { workloads, notChecked };
}

function leftOut({ kind, name, containers }: Workload): string {
  const what = containers.map(({ image = 'no image', start }) => otherRuntimeOf(start) ?? image).join(', ');
  // A platform may count each container as a workload of the same name.
  const own = containers.map((each) => each.name).filter((each) => each !== '' && each !== name);
  const whose =
    kind.startsWith('ECS') && own.length > 0 ? `${kind} ${name}, container ${own.join(', ')},` : `${kind} ${name}`;
  return `${whose} was left out, for no application's image is in it (${what}); --container looks at it`;
}
