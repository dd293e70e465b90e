import { type ObjectName, type Place, type Severity } from './finding.js';
import { type Container, type Workload } from './model.js';
import { type Scene } from './scene.js';

/** What a rule says of one place. */
export interface Remark {
  readonly at: Place;
  /** What it is about. Left out: the file. */
  readonly on?: ObjectName;
  /** Left out: the rule's own. */
  readonly severity?: Severity;
  readonly what: string;
  readonly fix: string;
}

/** One kind of advice. It looks at everything that was read, and says nothing of what it does not know. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What it looks for, as the help lists it. */
  readonly title: string;
  remarks(scene: Scene): Iterable<Remark>;
}

/** As findings name a workload, and one of its containers. */
export function nameOf({ kind, name }: Workload, container?: Container): ObjectName {
  return container?.name ? { kind, name, container: container.name } : { kind, name };
}
