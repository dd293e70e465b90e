import { type ModulesContainer } from '@nestjs/core';
import { providersOf } from './modules.js';

/**
 * How long Terminus waits by itself when the application closes, ms: `TerminusModule.forRoot({
 * gracefulShutdownTimeoutMs })`. Terminus is not imported: its options are known by the name of their token.
 *
 * Relies on the token `TERMINUS:MODULE_OPTIONS` (since @nestjs/terminus 10). Where it is missing, the startup check
 * does not warn of that wait.
 */
export function terminusDelayMs(modules: ModulesContainer): number {
  for (const { token, instance } of providersOf(modules)) {
    const name = typeof token === 'symbol' ? token.description : token;
    if (typeof name !== 'string' || !name.includes('TERMINUS:MODULE_OPTIONS')) continue;
    const { gracefulShutdownTimeoutMs: ms } = (instance ?? {}) as { gracefulShutdownTimeoutMs?: unknown };
    if (typeof ms === 'number' && ms > 0) return ms;
  }
  return 0;
}

/**
 * Reports whether a token is that of Terminus' `HealthCheckService`.
 *
 * Relies on the name of that class (since @nestjs/terminus 6). Where it is missing, the startup check does not warn of
 * health checks that are not marked.
 */
export function isHealthCheckService(token: unknown): boolean {
  return typeof token === 'function' && token.name === 'HealthCheckService';
}
