/** A space that keeps a number and its unit on one line. */
const space = '\u00a0';

/** `4,000` */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `1 request`, `4,000 requests` */
export function countOf(value: number, one: string, many = `${one}s`): string {
  return `${count(value)}${space}${value === 1 ? one : many}`;
}

/** `0.4 ms`, `38 ms`, `1.24 s`, `2 min 5 s`; `–` for what is not known. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '–';
  if (Math.abs(ms) < 9.95) return `${Number(ms.toFixed(1))}${space}ms`;
  if (Math.abs(ms) < 999.5) return `${Math.round(ms)}${space}ms`;
  if (Math.abs(ms) < 59_950) return `${Number((ms / 1_000).toFixed(2))}${space}s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}${space}min${seconds % 60 === 0 ? '' : ` ${seconds % 60}${space}s`}`;
}

/** An instant on the clock of a roll: `3.214 s`. */
export function instant(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '–' : `${(ms / 1_000).toFixed(3)}${space}s`;
}

/** 0 to 1 as `0.075 %`, two significant digits. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${Number((share * 100).toPrecision(2))}${space}%` : '–';
}

/** `2026-11-21T17:54:34.000Z` as `21 Nov 2026, 17:54 UTC`; what is not a time, as it is. */
export function calendarTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][at.getUTCMonth()];
  return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}, ${at.toISOString().slice(11, 16)} UTC`;
}
