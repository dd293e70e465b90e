import { type LameDuckWindow, noLameDuck } from '../sequence/lame-duck.js';
import { type ResolvedOptions } from './options.js';
import { windowOf } from './resolve-options.js';

/**
 * Whoever gives up a shared socket stays at least this long, ms: a connection may be on its way from the primary
 * process, and is sent back.
 */
const handoverMinMs = 500;

/** What a lame duck depends on besides the options. */
export interface LameDuckFacts {
  readonly isDevelopment: boolean;
  /** A platform stops the process, and nobody at a keyboard. */
  readonly isPlatformStop: boolean;
  /** Traffic is taken away from what fails its readiness: Kubernetes, or whoever has asked for it. */
  readonly isRouted: boolean;
  /** Readiness has been asked for. */
  readonly isProbed: boolean;
  /** Where others accept from the same socket and go on: how long its clients may stay, and when none is left. */
  readonly handover?: { readonly patienceMs: number; clientsGone(cancelled: AbortSignal): Promise<void> };
}

/** How long a process goes on serving when it has been told to end. */
export function lameDuckWindow(options: ResolvedOptions, facts: LameDuckFacts): LameDuckWindow {
  const { lameDuck, readiness } = options;
  const { handover, isProbed } = facts;
  if (handover && lameDuck !== false) {
    const maxMs = Math.min(handover.patienceMs, lameDuck === 'auto' ? Infinity : lameDuck.maxMs);
    const clientsGone = (cancelled: AbortSignal) => handover.clientsGone(cancelled);
    return { ...noLameDuck, minMs: Math.min(handoverMinMs, maxMs), maxMs, clientsGone };
  }
  const isAutomatic = facts.isPlatformStop && facts.isRouted;
  if (facts.isDevelopment || lameDuck === false || (lameDuck === 'auto' && !isAutomatic)) return noLameDuck;
  const awaitsProbe = lameDuck === 'auto' && isProbed && readiness === 'immediate';
  return { ...windowOf(options), awaitsProbe };
}
