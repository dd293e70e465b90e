import { basename } from 'node:path';
import { BadInputError } from '../bad-input.js';
import { type Reading } from '../formats/format.js';
import { type NotChecked, type Workload } from '../model.js';
import { documentsOf } from './documents.js';
import { type Field } from './field.js';
import { runsNothing } from './kinds.js';
import { type KubernetesObject } from './object.js';
import { type Source } from './source.js';
import { runsPods, workloadOf } from './workload.js';

/** A template that is YAML all the same, for it stands in quotes. */
const placeholder = /^\s*(?:- )?[\w-]+:\s*["']\{\{[^}\n]*\}\}["']?/m;

/**
 * The objects of a text, one a document, or those of a `List`; and the workloads among them.
 *
 * @throws BadInputError when there is no object, and nothing that says why
 */
export function readManifests(source: Source): Reading {
  if (/^kustomization\.ya?ml$/.test(basename(source.name))) {
    throw new BadInputError(
      source.name,
      'A kustomization has to be rendered first: kubectl kustomize DIR | nestjs-drain doctor -.',
    );
  }
  const { fields, errors } = documentsOf(source);
  const objects = fields.flatMap((field) => objectsIn(field));
  if (objects.length + errors.length === 0 && fields.every((field) => !isList(field))) {
    throw new BadInputError(
      source.name,
      "Expected Kubernetes manifests, got no object with a 'kind'. Check which file it is.",
    );
  }
  const workloads: Workload[] = [];
  const notChecked: NotChecked[] = [];
  for (const object of objects) {
    if (runsPods(object)) {
      const read = workloadOf(object);
      if (read && 'workload' in read) workloads.push(read.workload);
      else if (read) notChecked.push(read.notChecked);
    } else if (!runsNothing(object.field.get('apiVersion').text ?? '', object.kind)) {
      const at = object.field.get('kind').place;
      notChecked.push({ at, what: `${object.kind} ${object.name}, a kind that is not known here` });
    }
  }
  const template = placeholder.exec(source.text);
  if (template && workloads.length > 0) {
    const line = source.text.slice(0, template.index).split('\n').length;
    notChecked.push({ at: { file: source.name, line }, what: 'values of templates, which have to be rendered first' });
  }
  return { objects, workloads, notChecked, errors };
}

/** Lists hold objects, and no lists. */
function isList(field: Field): boolean {
  return /List$/.test(field.get('kind').text ?? '') && field.get('items').exists;
}

function objectsIn(field: Field): readonly KubernetesObject[] {
  return (isList(field) ? field.get('items').items() : [field]).flatMap(objectOf);
}

function objectOf(field: Field): readonly KubernetesObject[] {
  const kind = field.get('kind').text;
  if (kind === undefined) return [];
  const metadata = field.get('metadata');
  const name = metadata.get('name').text ?? metadata.get('generateName').text ?? '(unnamed)';
  return [{ kind, name, namespace: metadata.get('namespace').text ?? 'default', field }];
}
