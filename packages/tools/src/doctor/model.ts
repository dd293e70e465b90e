import { type Place } from './finding.js';
import { type Field } from './read/field.js';
import { type KubernetesObject } from './read/object.js';

/**
 * A value as a file gives it, or the platform's own where the file says nothing. It is `undefined` where it cannot be
 * known, as behind `${REPLICAS}`: a placeholder is never taken for the default.
 */
export interface Setting<T> {
  readonly value: T | undefined;
  /** As it is written; `undefined` where it is not given. */
  readonly text?: string;
  /** Where it is given, or could be. */
  readonly at: Place;
}

/** Something that runs processes and replaces them: a Deployment, a service of a compose file, a unit of systemd. */
export interface Workload {
  /** As findings name it, such as `Deployment`. */
  readonly kind: string;
  readonly name: string;
  readonly at: Place;
  /**
   * A reader gives all of them, and the scene keeps those of the application. A platform without containers has one,
   * of the workload's name.
   */
  readonly containers: readonly Container[];
  /** Databases, proxies and agents, told by their images: the scene puts them here. */
  readonly others: readonly Container[];
  /** Reports whether it ends by itself, as jobs do: then nobody sends it requests. */
  readonly runsToAnEnd: boolean;
  /** Reports whether somebody sends it requests; `undefined` where the file alone does not tell. */
  readonly isServing?: boolean;
  /** Left out where the platform has no such number, as with one process for each node. */
  readonly replicas?: Setting<number>;
  /** Left out where the platform replaces nothing by itself. */
  readonly update?: Update;
  readonly grace: Grace;
  /** The signal that begins a shutdown. */
  readonly stopSignal: Setting<string>;
  /** What to write instead of a signal that is the platform's own choice. */
  readonly stopSignalFix?: string;
  /**
   * `each`: every process gets the signal, and all of them are waited for; `unsure`: that is not said. Left out where
   * the first process alone gets it.
   */
  readonly signalled?: 'each' | 'unsure';
  /** What Kubernetes alone has. */
  readonly pods?: Pods;
}

/** One of the processes of a workload, with what watches it. */
export interface Container {
  /** Empty where it has none. */
  readonly name: string;
  readonly at: Place;
  readonly image?: string;
  /** Left out where the image says what is started. */
  readonly start?: Start;
  readonly ports: readonly Port[];
  readonly env: ReadonlyMap<string, string>;
  readonly readiness?: Probe;
  readonly liveness?: Probe;
  /** Until it has succeeded, a container without a readiness probe is not ready either. */
  readonly startup?: Probe;
  readonly preStop?: PreStop;
}

/** What a container starts, as far as its file says. */
export interface Start {
  readonly at: Place;
  /** Stands in for the ENTRYPOINT of the image, and for its CMD. */
  readonly entrypoint?: readonly string[];
  /** Stands in for the CMD of the image. */
  readonly command?: readonly string[];
  /** A line that the platform gives to a shell. */
  readonly line?: string;
  /** How one writes there what is to be started without a shell. */
  readonly exec: (words: readonly string[]) => string;
}

export interface Port {
  readonly name?: string;
  /** `undefined` where it cannot be known. */
  readonly number: number | undefined;
  /** The number as it is written, be it a placeholder. */
  readonly text?: string;
}

/** A question that the platform asks again and again. */
export interface Probe {
  readonly at: Place;
  readonly kind: 'httpGet' | 'exec' | 'tcpSocket' | 'grpc' | 'none';
  /** Of an HTTP probe. */
  readonly path?: string;
  /** The port as it is written: a number, or the name of one. */
  readonly port?: Setting<string>;
  /** What it asks, so that two that ask the same are equal. */
  readonly target: string;
  /** Where the target is given. */
  readonly targetAt: Place;
  readonly periodSeconds: Setting<number>;
  readonly timeoutSeconds: Setting<number>;
  readonly failureThreshold: Setting<number>;
  /** A grace period of its own, for restarts that it causes. */
  readonly graceSeconds?: Setting<number>;
}

/** What runs before the signal, and counts against the grace period. */
export interface PreStop {
  readonly at: Place;
  /** As findings name it. */
  readonly name: string;
  /** How long it takes; `undefined` where that cannot be known. */
  readonly ms: number | undefined;
}

/** From the end of a process' time in service, a preStop hook included, to SIGKILL. */
export interface Grace {
  readonly ms: Setting<number>;
  /** How one writes a longer one, in the file's own words; left out where the platform has none. */
  readonly write?: (ms: number) => string;
  /** The longest that the platform takes. */
  readonly mostMs?: number;
  /** The platform, where it alone says how long. */
  readonly ruledBy?: string;
  /** Reports whether the file leaves open that another platform runs it, with another time. */
  readonly isAssumed?: boolean;
}

/** How a workload's processes are replaced by those of the next version. */
export interface Update {
  readonly at: Place;
  /** As the file says it, such as `maxUnavailable: 1`. */
  readonly text: string;
  /** Reports whether the file says so, or it is the platform's own way. */
  readonly isGiven: boolean;
  /** How many of so many stop before their successors serve; `undefined` where it cannot be known. */
  readonly taken: (replicas: number) => number | undefined;
  /** How one writes an update that stops nobody first, where there are so many replicas. */
  readonly fix: (replicas: number) => string;
  /** Reports whether it stops all on purpose, so that two versions never run together. */
  readonly isRecreate: boolean;
}

/** What stands behind a workload of Kubernetes. */
export interface Pods {
  readonly object: KubernetesObject;
  readonly template: Field;
  /** The pod's spec. */
  readonly spec: Field;
  readonly labels: ReadonlyMap<string, string>;
}

/** Something that a clean bill does not speak of. */
export interface NotChecked {
  readonly at: Place;
  /** What was not looked at and why: a clause. */
  readonly what: string;
}
