import { timerMaxMs } from '../sequence/budget.js';
import { DrainError, notThat } from '../sequence/errors.js';
import { type HookPhase } from '../sequence/hooks.js';
import { type HookOptions } from './hook-registry.js';

const phases: readonly HookPhase[] = ['lame-duck', 'draining', 'releasing'];

/**
 * @throws DrainError `DRAIN_INVALID_OPTION` for a phase, an order or a timeout that makes no sense
 */
export function checkHook(where: string, phase: HookPhase, { order, timeoutMs }: HookOptions): void {
  const fail = (expected: string, got: unknown, todo: string) => {
    throw new DrainError('DRAIN_INVALID_OPTION', `${where}: expected ${expected}, got ${String(got)}. ${todo}`);
  };
  if (!phases.includes(phase))
    fail(`one of ${phases.join(', ')} as phase`, phase, 'Name the phase the hook belongs to.');
  if (order !== undefined && !Number.isFinite(order))
    fail('order to be a finite number', order, 'Lower orders run first.');
  if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs <= timerMaxMs)) {
    fail(`timeoutMs to be milliseconds between 1 and ${timerMaxMs}`, timeoutMs, 'Leave it out for the default.');
  }
}

/**
 * @param method what it was given to
 * @throws DrainError `DRAIN_INVALID_ARGUMENT`
 */
export function checkIsFunction(method: string, value: unknown): void {
  if (typeof value !== 'function') throw notThat(method, 'a function', value, 'Give it what is to be run');
}
