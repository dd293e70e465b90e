/** Hears of what arrives while a rehearsal runs. */
export interface RehearsalObserver {
  readonly isRunning: boolean;
  /** @param openedAt the instant at which the request's connection was opened */
  requestArrived(openedAt: number): void;
  /** A probe has got its answer, a failure. */
  probeAnswered(name: string, userAgent: string | undefined): void;
}
