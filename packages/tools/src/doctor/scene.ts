import { type Application } from './application.js';
import { type Dockerfile, readDockerfile } from './read/dockerfile.js';
import { type Ecosystem, readEcosystem } from './read/ecosystem.js';
import { type KubernetesObject, readManifests } from './read/manifests.js';
import { readScripts, type Scripts } from './read/package-json.js';
import { kindOf, type Source } from './read/source.js';
import { type Workload, workloadsOf } from './read/workload.js';

/** Everything that was read. */
export interface Scene {
  readonly application: Application;
  readonly objects: readonly KubernetesObject[];
  readonly workloads: readonly Workload[];
  /** Workloads that are no Nest application, by kind and name. */
  readonly leftOut: readonly string[];
  readonly dockerfiles: readonly Dockerfile[];
  readonly packages: readonly Scripts[];
  readonly ecosystems: readonly Ecosystem[];
}

/** @throws BadInputError for the first source that cannot be read */
export function readScene(sources: readonly Source[], application: Application, container?: string): Scene {
  const read = <T>(kind: string, reader: (source: Source) => T): readonly T[] =>
    sources.filter((source) => kindOf(source) === kind).map(reader);
  const objects = read('manifests', readManifests).flat();
  return {
    application,
    objects,
    ...workloadsOf(objects, container),
    dockerfiles: read('dockerfile', readDockerfile),
    packages: read('package', readScripts),
    ecosystems: read('pm2', readEcosystem),
  };
}
