import { type GracefulShutdownOptions } from 'nestjs-drain';
import { budgetOf } from './application.js';
import { type BadInputError } from './bad-input.js';
import { type Finding, type Place } from './finding.js';
import { type Beside } from './formats/format.js';
import { formatOf } from './formats/index.js';
import { type Setting, type Workload } from './model.js';
import { isUnknown } from './read/setting.js';
import { type Source } from './read/source.js';
import { rules } from './rules/index.js';
import { readScene, type Scene } from './scene.js';
import { isUsed } from './start/started.js';

/**
 * What the files do not tell.
 *
 * @publicApi
 */
export interface DiagnoseOptions {
  /** The module's options, as `forRoot()` takes them; left out: its defaults. */
  readonly shutdown?: GracefulShutdownOptions;
  /** The application's container; left out: every one that is no database, proxy or agent. */
  readonly container?: string;
  /** The application's `server.keepAliveTimeout`; left out: what its environment says. */
  readonly keepAliveMs?: number;
}

/**
 * Something that a clean bill does not speak of.
 *
 * @publicApi
 */
export interface Unchecked extends Place {
  /** What was not looked at and why: a clause. */
  readonly what: string;
}

/**
 * What was found, and what was not looked at.
 *
 * @publicApi
 */
export interface Diagnosis {
  /** What makes a shutdown lose requests, or may, in the order of the files and of their lines. */
  readonly findings: readonly Finding[];
  /** What there is to know and is no finding, a clause each. */
  readonly notes: readonly string[];
  /** What was not understood: without it a diagnosis is no clean bill. */
  readonly notChecked: readonly Unchecked[];
}

/**
 * What in these files makes a shutdown lose requests, in the order of the files and of their lines. All are read
 * together: a Dockerfile's command runs a script of `package.json`, an Ingress leads to a Deployment.
 *
 * @throws an error with code `DOCTOR_BAD_INPUT` for the first source that cannot be read
 * @publicApi
 */
export function diagnose(sources: readonly Source[], options: DiagnoseOptions = {}): readonly Finding[] {
  const { findings, errors } = lookAt(sources, options);
  const [error] = errors;
  if (error) throw error;
  return findings;
}

/**
 * As `diagnose`; says what was not checked as well, and goes on where a source cannot be read.
 *
 * @param readBeside tells how files beside a source are read, such as an entrypoint script, named from the source's
 *   folder; left out, they are looked for among the sources
 * @throws an error with code `DOCTOR_BAD_INPUT` when no workload has the container that is asked for
 * @publicApi
 */
export function examine(
  sources: readonly Source[],
  options: DiagnoseOptions = {},
  readBeside?: (source: Source) => (name: string) => string | undefined,
): Diagnosis {
  const { findings, notes, notChecked } = lookAt(sources, options, readBeside);
  return { findings, notes, notChecked };
}

/** A diagnosis, and why sources cannot be read: `notChecked` has them, too. */
function lookAt(
  sources: readonly Source[],
  { shutdown, container, keepAliveMs }: DiagnoseOptions,
  readBeside?: (source: Source) => Beside,
): Diagnosis & { readonly errors: readonly BadInputError[] } {
  const scene = readScene(sources, { budget: budgetOf(shutdown), keepAliveMs }, { container, readBeside });
  const titleOf = new Map(sources.map((source) => [source.name, formatOf(source)?.title ?? 'file']));
  const findings = rules.flatMap((rule) =>
    [...rule.remarks(scene)].map(({ at, on, severity = rule.severity, what, fix }): Finding => ({
      rule: rule.id,
      severity,
      object: on ?? { kind: titleOf.get(at.file) ?? 'file', name: at.file },
      ...at,
      what,
      fix,
    })),
  );
  const orderOf = new Map(sources.map(({ name }, index) => [name, index]));
  const order = ({ file }: Place) => orderOf.get(file) ?? sources.length;
  const byPlace = (a: Place, b: Place) => order(a) - order(b) || a.line - b.line;
  return {
    findings: findings.sort(byPlace),
    notes: [...scene.notes, ...scene.workloads.flatMap(unknownsOf)],
    notChecked: [
      ...scene.notChecked.map(({ at, what }) => ({ ...at, what })).sort(byPlace),
      ...unsaidIn(scene),
      ...nothingIn(sources, scene),
    ],
    errors: scene.errors,
  };
}

/** Rules pass over what is not known: this says of which. */
function unknownsOf({ kind, name, replicas, grace, containers }: Workload): readonly string[] {
  const probes = containers.flatMap(({ readiness, liveness }) => [readiness, liveness]);
  const settings: readonly (readonly [string, Setting<unknown> | undefined])[] = [
    ['replicas', replicas],
    ['the grace period', grace.ms],
    ...probes.flatMap((probe) =>
      probe
        ? ([
            ['the period of a probe', probe.periodSeconds],
            ['the failureThreshold of a probe', probe.failureThreshold],
          ] as const)
        : [],
    ),
  ];
  return settings.flatMap(([what, setting]) =>
    setting && isUnknown(setting)
      ? [
          `${setting.at.file}:${setting.at.line}: ${what} of ${kind} ${name} is ${setting.text}, which is not known here`,
        ]
      : [],
  );
}

/** What an image starts that says nothing of it is said by its base, unless every workload says so itself. */
function unsaidIn({ dockerfiles, workloads }: Scene): readonly Unchecked[] {
  return dockerfiles
    .filter((each) => !each.cmd && !each.entrypoint && isUsed(each, dockerfiles, workloads))
    .map(({ file, base }) => ({
      file,
      line: 1,
      what: `what it starts is said by ${base || 'its base'}, which is not read`,
    }));
}

/** Files that start nothing are no clean bill for what is started elsewhere. */
function nothingIn(sources: readonly Source[], scene: Scene): readonly Unchecked[] {
  const [first] = sources;
  if (!first || scene.isAboutSomething || scene.notChecked.length > 0) return [];
  return [{ file: first.name, line: 1, what: 'no workload of an application is among the files' }];
}
