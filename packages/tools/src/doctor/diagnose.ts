import { type GracefulShutdownOptions } from 'nestjs-drain';
import { budgetOf } from './application.js';
import { type Finding } from './finding.js';
import { type Source } from './read/source.js';
import { rules } from './rules/index.js';
import { readScene, type Scene } from './scene.js';

/**
 * What the files do not tell.
 *
 * @publicApi
 */
export interface DiagnoseOptions {
  /** The module's options, as `forRoot()` takes them; left out: its defaults. */
  readonly shutdown?: GracefulShutdownOptions;
  /** The application's container; left out: the one with probes, or ports. */
  readonly container?: string;
  /** The application's `server.keepAliveTimeout`; left out: what its environment says. */
  readonly keepAliveMs?: number;
}

/** What was found, and what was not looked at. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** What was not looked at and why, a clause each. */
  readonly notes: readonly string[];
}

/**
 * What in these files makes a shutdown lose requests, in the order of the files and of their lines. All are read
 * together: a Dockerfile's command runs a script of `package.json`, an Ingress leads to a Deployment.
 *
 * @throws an error with code `DOCTOR_BAD_INPUT` for the first source that cannot be read
 * @publicApi
 */
export function diagnose(sources: readonly Source[], options: DiagnoseOptions = {}): readonly Finding[] {
  return examine(sources, options).findings;
}

/** As `diagnose`, and says what was left out. */
export function examine(sources: readonly Source[], options: DiagnoseOptions = {}): Diagnosis {
  const { shutdown, container, keepAliveMs } = options;
  const scene = readScene(sources, { budget: budgetOf(shutdown), keepAliveMs }, container);
  const findings = rules.flatMap((rule) =>
    [...rule.remarks(scene)].map(({ at, severity = rule.severity, what, fix }): Finding => ({
      rule: rule.id,
      severity,
      ...at,
      what,
      fix,
    })),
  );
  const orderOf = new Map(sources.map(({ name }, index) => [name, index]));
  const order = ({ file }: Finding) => orderOf.get(file) ?? sources.length;
  return { findings: findings.sort((a, b) => order(a) - order(b) || a.line - b.line), notes: notesOf(scene) };
}

function notesOf({ objects, workloads, leftOut }: Scene): readonly string[] {
  const notes = leftOut.map(
    (each) => `${each} was left out, for its image is no application's; --container looks at it`,
  );
  if (objects.length > 0 && workloads.length === 0)
    notes.push('no Deployment, or other workload, is among the manifests');
  return notes;
}
