import { type Field } from './field.js';

/** One object of Kubernetes' API. */
export interface KubernetesObject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly field: Field;
}
