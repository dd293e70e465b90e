import { basename } from 'node:path';
import { BadInputError } from '../bad-input.js';
import { documentsOf } from './documents.js';
import { type Field } from './field.js';
import { type Source } from './source.js';

/** One object of Kubernetes' API. */
export interface KubernetesObject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly field: Field;
}

/**
 * The objects of a text: one a document, or those of a `List`.
 *
 * @throws BadInputError when there is none
 */
export function readManifests(source: Source): readonly KubernetesObject[] {
  if (source.text.trim() === '') {
    throw new BadInputError(
      source.name,
      'Expected Kubernetes manifests, got nothing. See whether what writes them has failed.',
    );
  }
  const objects = documentsOf(source).flatMap((field) =>
    (isList(field) ? field.get('items').items() : [field]).flatMap(objectOf),
  );
  if (objects.length === 0) throw new BadInputError(source.name, whyNone(source.name));
  return objects;
}

/** Lists hold objects, and no lists. */
function isList(field: Field): boolean {
  return /List$/.test(field.get('kind').text ?? '') && field.get('items').exists;
}

function objectOf(field: Field): readonly KubernetesObject[] {
  const kind = field.get('kind').text;
  if (kind === undefined) return [];
  const metadata = field.get('metadata');
  const name = metadata.get('name').text ?? metadata.get('generateName').text ?? '(unnamed)';
  return [{ kind, name, namespace: metadata.get('namespace').text ?? 'default', field }];
}

function whyNone(name: string): string {
  if (/^kustomization\.ya?ml$/.test(basename(name))) {
    return 'A kustomization has to be rendered first: kubectl kustomize DIR | nestjs-drain doctor.';
  }
  return (
    "Expected Kubernetes manifests, got no object with a 'kind'. Give manifests, a Dockerfile, " +
    'package.json or ecosystem.config.js.'
  );
}
