import { type Workload } from '../model.js';
import { type Field } from './field.js';

/** Reports whether a plain selector, as a Service has it, takes the pods of a workload. */
export function isSelectedBy(workload: Workload, selector: Field, namespace: string): boolean {
  const wanted = selector.entries();
  return (
    wanted.length > 0 && isIn(workload, namespace) && wanted.every(([label, value]) => has(workload, label, value))
  );
}

/** The same of a selector with `matchLabels` and `matchExpressions`. An empty one takes all. */
export function isMatchedBy(workload: Workload, selector: Field, namespace: string): boolean {
  if (!selector.exists || !isIn(workload, namespace)) return false;
  const labels = selector.get('matchLabels').entries();
  const expressions = selector.get('matchExpressions').items();
  return (
    labels.every(([label, value]) => has(workload, label, value)) &&
    expressions.every((expression) => fulfils(workload, expression))
  );
}

function isIn({ pods }: Workload, namespace: string): boolean {
  return pods?.object.namespace === namespace;
}

function has({ pods }: Workload, label: string, value: Field): boolean {
  return pods?.labels.get(label) === value.text;
}

function fulfils({ pods }: Workload, expression: Field): boolean {
  const value = pods?.labels.get(expression.get('key').text ?? '');
  const values = expression
    .get('values')
    .items()
    .map(({ text }) => text);
  switch (expression.get('operator').text ?? '') {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
