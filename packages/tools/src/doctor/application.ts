import { type GracefulShutdownOptions, type ShutdownBudget, shutdownBudget } from 'nestjs-drain';
import { type Workload } from './model.js';

/** Node's own `server.keepAliveTimeout`, ms. */
export const nodeKeepAliveMs = 5_000;
/** Their values are milliseconds, as `server.keepAliveTimeout` is. */
const keepAliveVariables = ['KEEP_ALIVE_MS', 'KEEP_ALIVE_TIMEOUT_MS', 'KEEP_ALIVE_TIMEOUT', 'KEEPALIVE_TIMEOUT_MS'];

/** What is known, or assumed, of the application. */
export interface Application {
  /** What the options of its module add up to, as the module itself reckons. */
  readonly budget: ShutdownBudget;
  readonly keepAliveMs?: number;
}

/**
 * The budget of these options, with one hook that runs into its timeout.
 *
 * @throws DrainError for options that make no sense
 */
export function budgetOf(options?: GracefulShutdownOptions): ShutdownBudget {
  const { hookTimeoutMs } = shutdownBudget(options).options;
  return shutdownBudget(options, hookTimeoutMs);
}

/** One part of a shutdown's time. */
export type Part = readonly [name: string, ms: number];

/** What a SIGTERM under Kubernetes takes at most: one hook that runs into its timeout, and a margin, included. */
export function sigtermParts(application: Application): readonly Part[] {
  return [['lame duck', application.budget.lameDuckMaxMs], ...partsAfterLameDuck(application)];
}

/** The same where there is no traffic that a lame duck waits for. */
export function quietParts(application: Application): readonly Part[] {
  return [['lame duck', application.budget.lameDuckMinMs], ...partsAfterLameDuck(application)];
}

/** What a SIGINT takes at most: it has a lame duck only when the options ask for one. */
export function sigintParts(application: Application): readonly Part[] {
  const { lameDuck } = application.budget.options;
  return [['lame duck', typeof lameDuck === 'object' ? lameDuck.maxMs : 0], ...partsAfterLameDuck(application)];
}

function partsAfterLameDuck({ budget }: Application): readonly Part[] {
  return [
    ['drain', budget.drainMs],
    ['hooks', budget.hooksMs],
    ['margin', budget.marginMs],
  ];
}

export function sumOf(parts: readonly Part[]): number {
  return parts.reduce((total, [, ms]) => total + ms, 0);
}

/** `lame duck 10 + drain 10 = 20 s`; parts that take no time are left out. */
export function spell(parts: readonly Part[]): string {
  const terms = parts.filter(([, ms]) => ms > 0).map(([name, ms]) => `${name} ${ms / 1_000}`);
  return `${terms.join(' + ')} = ${seconds(sumOf(parts))}`;
}

export function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

/**
 * How long the application keeps an idle connection, as far as the options or the environment of a container tell;
 * Infinity where the environment holds a placeholder.
 */
export function keepAliveOf(application: Application, { containers }: Workload): number | undefined {
  if (application.keepAliveMs !== undefined) return application.keepAliveMs;
  const [given] = containers.flatMap(({ env }) => keepAliveVariables.flatMap((name) => env.get(name) ?? []));
  if (given === undefined) return undefined;
  return /^\d+$/.test(given) ? Number(given) : Infinity;
}
