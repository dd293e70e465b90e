/** A process that is awake marks something at least this often, ms: each 20, and it may have to wait for its turn. */
const atMostMs = 50;

/**
 * How long a process was awake between two instants. It may stand still when the machine has no time for it, and that
 * is no fault of its own: of a time without a mark no more counts than what lies between two marks.
 *
 * @param marks instants at which it was awake, in order
 */
export function awakeMs(marks: readonly number[], from: number, to: number): number {
  const within = marks.filter((at) => at > from && at < to);
  const instants = [from, ...within];
  return [...within, to].reduce((sum, at, index) => sum + Math.min(at - instants[index]!, atMostMs), 0);
}
