import { type BadInputError } from '../bad-input.js';
import { type NotChecked, type Workload } from '../model.js';
import { type Dockerfile } from '../read/dockerfile.js';
import { type Ecosystem } from '../read/ecosystem.js';
import { type KubernetesObject } from '../read/object.js';
import { type PackageJson } from '../read/package-json.js';
import { type Program } from '../read/program.js';
import { type Source, type SourceKind } from '../read/source.js';
import { type Unit } from '../read/unit-file.js';

/** What one file holds, as far as rules look at it. */
export interface Reading {
  /** Of every kind; the scene leaves out those that are no application's. */
  readonly workloads?: readonly Workload[];
  /** Of Kubernetes: what leads to workloads, and what bounds their disruption. */
  readonly objects?: readonly KubernetesObject[];
  readonly dockerfiles?: readonly Dockerfile[];
  readonly packages?: readonly PackageJson[];
  /** Scripts of a shell that images or package.json may start, by the path of their file. */
  readonly scripts?: readonly (readonly [file: string, text: string])[];
  readonly ecosystems?: readonly Ecosystem[];
  readonly programs?: readonly Program[];
  readonly units?: readonly Unit[];
  /** What there is to know of the file and is no finding, a clause each. */
  readonly notes?: readonly string[];
  readonly notChecked?: readonly NotChecked[];
  /** Parts that cannot be read, where others can. */
  readonly errors?: readonly BadInputError[];
}

/** The text of a file, named from the folder of the one that is read; `undefined` where there is none. */
export type Beside = (name: string) => string | undefined;

/** A kind of file. A new one is a module with this shape, and a line in the registry. */
export interface Format {
  readonly id: SourceKind;
  /** What it is, as the help and docs/doctor.md list it. */
  readonly title: string;
  /** How its files are told, as the help and docs/doctor.md list it. */
  readonly files: string;
  /** The names that are looked at where none is given. */
  readonly usual: readonly string[];
  /** Reports whether a file is of this format, by its name or by its text. */
  readonly recognises: (file: Source) => boolean;
  /** @throws BadInputError for what cannot be read at all */
  readonly read: (file: Source, beside: Beside) => Reading;
}
