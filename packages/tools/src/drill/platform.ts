import { checkDurationMs } from './timing.js';

/**
 * How a platform stops a replica. The grace begins with the preStop wait, as in Kubernetes. Durations are milliseconds.
 *
 * @publicApi
 */
export interface Platform {
  /** What the result calls it. */
  readonly name: string;
  /** The signal that tells a replica to stop. */
  readonly signal: NodeJS.Signals;
  /** From the beginning of the end to the signal. */
  readonly preStopMs: number;
  /** From the beginning of the end to SIGKILL. */
  readonly graceMs: number;
  /**
   * Whether the balancer is told that the replica is about to go, and has it out of rotation after the lag however
   * ready it is. Otherwise its readiness alone takes it out.
   */
  readonly deregisters: boolean;
  /** The highest status that counts as ready; the lowest is 200. @default 299 */
  readonly readyUpTo?: number;
  /** What a replica has in its environment, so that it can tell where it runs. @default nothing */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The procedures of common platforms.
 *
 * @publicApi
 */
export const presets = {
  /**
   * The pod becomes terminating: its endpoint is withdrawn, and preStop and SIGTERM come at the same time. A probe
   * passes with any status of 200 to 399.
   */
  kubernetes: {
    name: 'kubernetes',
    signal: 'SIGTERM',
    preStopMs: 0,
    graceMs: 30_000,
    deregisters: true,
    readyUpTo: 399,
    env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' },
  },
  /** The task is deregistered from its target group and sent SIGTERM; `stopTimeout` is 30 s. */
  ecs: { name: 'ecs', signal: 'SIGTERM', preStopMs: 0, graceMs: 30_000, deregisters: true },
  /** `pm2 reload`: SIGINT, and `kill_timeout` is 1,600 ms. Nobody tells the balancer. */
  pm2: { name: 'pm2', signal: 'SIGINT', preStopMs: 0, graceMs: 1_600, deregisters: false },
} as const satisfies Record<string, Platform>;

/**
 * The name of one of `presets`.
 *
 * @publicApi
 */
export type PresetName = keyof typeof presets;

/**
 * A preset, or what differs from it by hand.
 *
 * @throws RangeError for a grace that the preStop wait uses up, and for durations that are none
 * @publicApi
 */
export function platformOf(preset: PresetName, byHand: Partial<Omit<Platform, 'name'>> = {}): Platform {
  const given = Object.entries(byHand).filter(([, value]) => value !== undefined);
  const platform: Platform = { ...presets[preset], ...Object.fromEntries(given) };
  checkDurationMs('preStopMs', platform.preStopMs);
  checkDurationMs('graceMs', platform.graceMs);
  if (platform.preStopMs > 0 && platform.preStopMs >= platform.graceMs) {
    throw new RangeError(
      `The preStop wait of ${platform.preStopMs} ms leaves nothing of the grace of ${platform.graceMs} ms.`,
    );
  }
  return platform;
}

/** Reports whether a readiness path that answers this is ready, on that platform; no answer is never. */
export function isReadyStatus({ readyUpTo = 299 }: Platform, status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status <= readyUpTo;
}
