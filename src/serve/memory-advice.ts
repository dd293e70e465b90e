/** Of the memory that there is, this share may be planned for: workers grow. */
const plannedShare = 0.8;

/** What a group holds in memory, bytes. */
export interface MemoryFacts {
  readonly workers: number;
  /** The largest worker. */
  readonly workerBytes: number;
  readonly supervisorBytes: number;
  /** What this process and its workers may have; 0 or undefined: no limit. */
  readonly limitBytes: number | undefined;
}

/** Advice, where a reload, which has one more worker at least, will not fit. */
export function memoryAdvice({ workers, workerBytes, supervisorBytes, limitBytes }: MemoryFacts): string | undefined {
  if (!limitBytes || workerBytes === 0) return undefined;
  const room = limitBytes * plannedShare - supervisorBytes;
  if ((workers + 1) * workerBytes <= room) return undefined;
  const fitting = Math.max(1, Math.floor(room / workerBytes) - 1);
  return (
    `${workers} workers of ${mb(workerBytes)}, and one more in a reload, come near the limit of ${mb(limitBytes)}: ` +
    `start it with --workers ${fitting}, or raise the limit`
  );
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
