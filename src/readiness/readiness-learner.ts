import { AsyncLocalStorage } from 'node:async_hooks';
import { runUntilSettled } from '../in-flight/run-until-settled.js';

/** A route that may turn out to be a health route. */
interface Learnable {
  isHealth: boolean;
}

/**
 * Finds out which routes ask whether the replica is ready.
 *
 * Which request an indicator is called for is known only to the asynchronous context. Keeping one costs every promise
 * of the process (Node 20), so it is kept only while a candidate runs that has not been learnt yet, and dropped in
 * between.
 */
export class ReadinessLearner<Route extends Learnable> {
  private readonly context = new AsyncLocalStorage<Route>();
  private running = 0;

  constructor(private readonly learnt: (route: Route) => void) {}

  /** Runs a candidate's handler. */
  watch<T>(route: Route, run: () => T): T {
    this.running++;
    return runUntilSettled(
      () => this.context.run(route, run),
      () => this.ended(),
    );
  }

  /** Somebody asks whether the replica is ready. */
  asked(): void {
    if (this.running === 0) return;
    const route = this.context.getStore();
    if (route && !route.isHealth) this.learnt(route);
  }

  private ended(): void {
    if (--this.running === 0) this.context.disable();
  }
}
