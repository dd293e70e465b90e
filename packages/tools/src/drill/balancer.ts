/** One replica as a balancer sees it: an address and a name to report it by. `host` and `port` identify it. */
export interface Backend {
  readonly name?: string;
  readonly host: string;
  readonly port: number;
}

/**
 * What stands between the clients and the replicas while they are rolled. The built-in one is `TcpBalancer`; HAProxy,
 * nginx or any other is one implementation of this interface.
 *
 * A rolling restart calls, in this order:
 *
 * 1. for each replica of the first generation: `add`, then `whenInRotation`;
 * 2. for each replica that is replaced: `add` and `whenInRotation` of its successor (which already answers its
 * readiness
 *    path), then SIGTERM to the old replica and `terminating`, and `remove` after its process has exited.
 *
 * Every backend has a port of its own, which is not used again within a run. The one who started a balancer closes it.
 *
 * An implementation must not repair what the application breaks: no retries, no redispatch to another backend, no
 * queue for a backend that is away. What it takes to leave a backend whose readiness fails (probe period, threshold,
 * propagation) is its own matter: that lag is what a rolling restart measures.
 */
export interface Balancer {
  /** Where clients connect, for instance `http://127.0.0.1:8080`. Does not change, also not over a reload. */
  readonly url: string;

  /** Makes a backend known. May resolve before it is in rotation. Adding a known one changes nothing. */
  add(backend: Backend): Promise<void>;

  /**
   * Takes a backend out of rotation at once and forgets it; connections that are established stay until they end by
   * themselves. Called when its process has already exited. Removing an unknown one changes nothing.
   */
  remove(backend: Backend): Promise<void>;

  /** Reports whether a new connection may be sent to this backend. */
  isInRotation(backend: Backend): boolean | Promise<boolean>;

  /**
   * Resolves when the backend is in rotation. Rejects when it is unknown, or removed while waiting; need not time out,
   * since the caller does. An implementation that can only ask polls here.
   */
  whenInRotation(backend: Backend): Promise<void>;

  /**
   * The backend's process has just been sent its signal. A balancer that probes readiness leaves this out; one that is
   * told by a control plane (nginx and a reload, an endpoints controller) starts taking the backend out here, after the
   * lag it stands for. Is not awaited before the next step, and a rejection fails the run.
   */
  terminating?(backend: Backend): void | Promise<void>;

  /** The backend that served the client connection opened from this local port, if the balancer knows. For reports. */
  backendOf?(clientPort: number): Backend | undefined;

  /** Stops listening and probing, and ends every connection. The same promise on a second call. */
  close(): Promise<void>;
}

/** Two backends are the same when their addresses are. */
export function addressOf(backend: Backend): string {
  return `${backend.host}:${backend.port}`;
}
